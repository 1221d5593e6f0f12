"""Training, validation and test rows that share no speaker and no recording, or a plain sentence on what they share.

A speaker's segments stay together; where the speaker is unknown, a recording's do. One speaker's recordings are dealt out, and a single
recording is cut in time. A hash of each name decides, so the same folder gives the same parts on every machine.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from telucodec.data.extract import TEST_FOLDER, for_test
from telucodec.data.manifest import Segment
from telucodec.errors import DataError


@dataclass(frozen=True)
class SplitConfig:
    """How the sound is shared out; training gets what validation and test leave."""

    val_share: float = 0.1
    """Share of the whole duration, 0 to 1, as nearly as whole speakers allow."""
    test_share: float = 0.1
    """Likewise; not used where there is a folder `test`, which then is all of the test part."""
    seed: int = 0
    """Another seed deals the speakers out in another way."""


@dataclass(frozen=True)
class Split:
    """Three lists of rows, and what they have in common."""

    train: list[Segment]
    val: list[Segment]
    test: list[Segment]
    leaks: list[str]
    """A sentence for each thing that makes a measured quality less trustworthy."""


def split(rows: Iterable[Segment], config: SplitConfig = SplitConfig()) -> Split:
    """Share `rows` out. What lies in the folder `test` is only ever for testing. Raises DataError where there is nothing to train on."""
    rows = sorted(rows, key=lambda row: (row.recording, row.start_s))
    test = [row for row in rows if for_test(row.recording)]
    rest = [row for row in rows if not for_test(row.recording)]
    if not rest:
        where = f" outside the folder {TEST_FOLDER}" if test else ""
        raise DataError(f"no segment to train on{where}; add recordings, or see why theirs were rejected")
    total_s = _duration(rest)
    if not test:
        test, rest = _take(rest, config.test_share * total_s, f"{config.seed} test")
    val, train = _take(rest, config.val_share * total_s, f"{config.seed} val")
    return Split(train, val, test, _leaks({"train": train, "val": val, "test": test}))


def _take(rows: list[Segment], target_s: float, salt: str) -> tuple[list[Segment], list[Segment]]:
    """Return rows of about `target_s` seconds, and the others; neither is empty where there are two rows."""
    for group_of in (_speaker_or_recording, _recording):
        if names := _choose(rows, group_of, target_s, salt):
            return [row for row in rows if group_of(row) in names], [row for row in rows if group_of(row) not in names]
    if len(rows) < 2:
        return [], rows
    first = len(rows) - 1  # One recording is left: its end is taken.
    while first > 1 and _duration(rows[first - 1 :]) <= target_s:
        first -= 1
    return rows[first:], rows[:first]


def _choose(rows: list[Segment], group_of: Callable[[Segment], str], target_s: float, salt: str) -> set[str]:
    """Return groups that together come near `target_s`, taken in the order of their hashes; the shortest where all are too long.

    Never all of them, so a single group gives none.
    """
    durations: dict[str, float] = defaultdict(float)
    for row in rows:
        durations[group_of(row)] += row.duration_s
    if len(durations) < 2:
        return set()
    chosen, chosen_s = set(), 0.0
    for name in sorted(durations, key=lambda name: hashlib.sha256(f"{salt} {name}".encode()).digest()):
        nearer = chosen_s + durations[name] / 2 < target_s
        if nearer and len(chosen) < len(durations) - 1:
            chosen.add(name)
            chosen_s += durations[name]
    return chosen or {min(durations, key=lambda name: (durations[name], name))}


def _speaker_or_recording(row: Segment) -> str:
    return row.speaker or row.recording


def _recording(row: Segment) -> str:
    return row.recording


def _duration(rows: list[Segment]) -> float:
    return sum(row.duration_s for row in rows)


def _leaks(parts: dict[str, list[Segment]]) -> list[str]:
    """Return a sentence for each part that is empty, and for each speaker and recording that is, or may be, in several parts."""
    leaks = [f"{part} is empty: there are too few segments to share out; add recordings" for part, rows in parts.items() if not rows]
    for speaker, rows_in in _in_several(parts, lambda row: row.speaker).items():
        where = " and ".join(rows_in)
        if not speaker:
            leaks.append(
                f"some speakers in {where} are unknown and may be the same; put each one's recordings in a folder of the speaker's name"
            )
            continue
        marked = {for_test(row.recording) for rows in rows_in.values() for row in rows}
        why = f"found inside and outside the folder {TEST_FOLDER}" if len(marked) > 1 else "no other speaker was left to take"
        leaks.append(f"speaker {speaker} is in {where}: {why}; quality on new speakers is not measured there")
    for recording, rows_in in _in_several(parts, _recording).items():
        where = " and ".join(rows_in)
        leaks.append(
            f"recording {recording} is in {where}: no other was left, so it was cut in time; quality on new ones is not measured there"
        )
    return leaks


def _in_several(parts: dict[str, list[Segment]], group_of: Callable[[Segment], str]) -> dict[str, dict[str, list[Segment]]]:
    """Return the groups that are in more than one of the parts, with their rows in each of these."""
    found: dict[str, dict[str, list[Segment]]] = defaultdict(lambda: defaultdict(list))
    for part, rows in parts.items():
        for row in rows:
            found[group_of(row)][part].append(row)
    return {name: found[name] for name in sorted(found) if len(found[name]) > 1}
