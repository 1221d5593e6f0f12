"""Training, validation and test rows that share no speaker, no recording and no sentence, or a plain sentence on what they share.

A speaker's segments stay together; where the speaker is unknown, a recording's do. One speaker's recordings are dealt out, and a single
recording is cut in time. A hash of each name decides, so the same folder gives the same parts on every machine. What an earlier split
put into a part stays there when data is added; the new speakers alone are dealt. Many speakers read the same sentences, so speakers go
first, and a row whose sentence is in another part is left out: of train for val, of both for test, but never an earlier row for a new one.
Texts are one sentence where the rule of `transcript.py`, by which the recogniser learns and is measured, makes them equal.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from telucodec.counting import counted
from telucodec.data.extract import TEST_FOLDER, for_test
from telucodec.data.manifest import Segment
from telucodec.data.transcript import normalised
from telucodec.errors import DataError

PARTS = ("train", "val", "test")

Group = str | tuple[str, str]
"""What rows have in common: a speaker, or a speaker and a recording."""


@dataclass(frozen=True)
class SplitConfig:
    """How the sound is shared out; training gets what validation and test leave."""

    val_share: float = 0.1
    """Share of the whole duration, 0 to 1, as nearly as whole speakers allow."""
    test_share: float = 0.1
    """Likewise; not used where there is a folder `test`, which then is all of the test part."""
    seed: int = 0
    """Another seed deals the speakers out in another way."""
    synthetic_everywhere: bool = False
    """Whether what a machine spoke may be validated and tested on too; otherwise it is for training alone."""


@dataclass(frozen=True)
class Split:
    """Three lists of rows, and what there is to know of them."""

    train: list[Segment]
    val: list[Segment]
    test: list[Segment]
    leaks: list[str]
    """A sentence for each thing that test has, or may have, in common with another part: what is measured there may flatter."""
    remarks: list[str]
    """A sentence for each other thing: a part that is empty, what train and val have in common, rows that were left out."""
    left_out: list[Segment] = field(default_factory=list)
    """Rows in no part, since their sentence is in another; the remarks tell how many."""
    num_not_given: int = 0
    """Rows of the earlier split that were not given this time, and so are in no part any more."""


def split(rows: Iterable[Segment], config: SplitConfig = SplitConfig(), before: Mapping[str, Iterable[Segment]] | None = None) -> Split:
    """Share `rows` out. What lies in the folder `test` is only ever for testing. `before` holds the parts of an earlier split, which stand.

    Raises DataError where there is nothing to train on, and as `Segment.span` does.
    """
    rows = _in_order(rows)
    before = {part: list(before.get(part, ())) for part in PARTS} if before else {}
    spoken = [row for row in rows if config.synthetic_everywhere or not row.synthetic]
    synthetic = [row for row in rows if row.synthetic and not config.synthetic_everywhere]
    train_only = [row for row in synthetic if not for_test(row.recording)]
    marked = [row for row in spoken if for_test(row.recording)]
    rest = [row for row in spoken if not for_test(row.recording)]
    if not rest and not train_only:
        where = f" outside the folder {TEST_FOLDER}" if marked else ""
        raise DataError(f"no segment to train on{where}; add recordings, or see why theirs were rejected")
    settled, new = _settle(rest, before)
    total_s = _duration(rest)
    test, val = [*marked, *settled["test"]], settled["val"]
    if not marked:
        taken, new = _take_more(new, test, config.test_share * total_s, f"{config.seed} test")
        test += taken
    taken, new = _take_more(new, val, config.val_share * total_s, f"{config.seed} val")
    parts = {"train": _in_order(settled["train"] + new + train_only), "val": _in_order(val + taken), "test": _in_order(test)}
    if not parts["train"]:
        raise DataError(
            "every segment is in validation or test, as an earlier split has them, none is left to train on; add recordings, or split --anew"
        )
    parts, repeated = _without_repeats(parts, before)
    leaks, in_common = _in_common(parts)
    remarks = [f"{part} is empty: there are too few segments to share out; add recordings" for part in PARTS if not parts[part]]
    remarks += in_common
    for (part, other), number in Counter((part, other) for part, other, _ in repeated).items():
        remarks.append(f"{counted(number, 'row')} left out of {part}, since what is said there is in {other} too; nothing else is lost")
    if stray := [row for row in synthetic if for_test(row.recording)]:
        remarks.append(
            f"{counted(len(stray), 'synthetic row')} in the folder {TEST_FOLDER} left out: synthetic speech is for training alone"
        )
    given = {_stretch(row) for row in rows}
    num_not_given = sum(_stretch(row) not in given for rows_in in before.values() for row in rows_in)
    return Split(**parts, leaks=leaks, remarks=remarks, left_out=[row for _, _, row in repeated] + stray, num_not_given=num_not_given)


def _in_order(rows: Iterable[Segment]) -> list[Segment]:
    return sorted(rows, key=lambda row: (row.recording, row.span))


def _settle(rows: list[Segment], before: Mapping[str, list[Segment]]) -> tuple[dict[str, list[Segment]], list[Segment]]:
    """Return the rows that go where `before` put their recording or else their speaker, by part, and the others."""
    stretches = {_stretch(row): part for part, rows_in in before.items() for row in rows_in}
    recordings = _homes(before, _whose_recording)
    speakers = _homes(before, lambda row: row.speaker)
    settled: dict[str, list[Segment]] = {part: [] for part in PARTS}
    new = []
    for row in rows:
        part = stretches.get(_stretch(row)) or recordings.get(_whose_recording(row)) or speakers.get(row.speaker)
        (settled[part] if part else new).append(row)
    return settled, new


def _stretch(row: Segment) -> tuple[str, str, float]:
    return *_whose_recording(row), row.start_s


def _whose_recording(row: Segment) -> tuple[str, str]:
    """Return speaker and name of its recording: two speakers imported on their own may both have a 001.flac."""
    return row.speaker, row.recording


def _homes(before: Mapping[str, list[Segment]], group_of: Callable[[Segment], Group]) -> dict[Group, str]:
    """Return the part of each group that lies in one part alone."""
    homes: dict[Group, set[str]] = defaultdict(set)
    for part, rows in before.items():
        for row in rows:
            homes[group_of(row)].add(part)
    return {group: next(iter(parts)) for group, parts in homes.items() if group and len(parts) == 1}


def _take_more(rows: list[Segment], have: list[Segment], target_s: float, salt: str) -> tuple[list[Segment], list[Segment]]:
    """Return as many of `rows` as bring `have` to `target_s` seconds, and the others; a part that has rows takes whole speakers only."""
    if not have:
        return _take(rows, target_s, salt)
    names = _drawn(rows, _speaker_or_recording, target_s - _duration(have), salt)
    return [row for row in rows if _speaker_or_recording(row) in names], [row for row in rows if _speaker_or_recording(row) not in names]


def also_in(rows: Iterable[Segment], others: Sequence[Segment]) -> list[Segment]:
    """Return those of `rows` whose sound is, all or in part, in a row of `others` too, or whose sentence their speaker says there too.

    Raises DataError as `Segment.span` does.
    """
    rows = list(rows)
    paths, speakers = {row.path for row in rows}, {row.speaker for row in rows} - {""}
    said = {(row.speaker, normalised(row.text)) for row in others if row.speaker in speakers} - {(name, "") for name in speakers}
    spans = defaultdict(list)
    for other in others:
        if other.path in paths:
            spans[other.path].append(other.span)

    def found(row: Segment) -> bool:
        start, size = row.span
        overlaps = any(start < first + length and first < start + size for first, length in spans[row.path])
        return overlaps or (row.speaker, normalised(row.text)) in said

    return [row for row in rows if found(row)]


def _without_repeats(
    parts: dict[str, list[Segment]], before: Mapping[str, list[Segment]]
) -> tuple[dict[str, list[Segment]], list[tuple[str, str, Segment]]]:
    """Return `parts` without rows whose sentence another part owns, and (part, owner, row) of those left out."""
    owners: dict[str, str] = {}
    for source in (before, parts):
        for part in reversed(PARTS):
            for row in source.get(part, ()):
                owners.setdefault(normalised(row.text), part)
    owners.pop("", None)
    kept: dict[str, list[Segment]] = {part: [] for part in parts}
    repeated = []
    for part, rows in parts.items():
        for row in rows:
            owner = owners.get(normalised(row.text), part)
            if owner == part:
                kept[part].append(row)
            else:
                repeated.append((part, owner, row))
    return kept, repeated


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
    durations = _durations(rows, group_of)
    if len(durations) < 2:
        return set()
    chosen = _drawn(rows, group_of, target_s, salt, len(durations) - 1)
    return chosen or {min(durations, key=lambda name: (durations[name], name))}


def _drawn(rows: list[Segment], group_of: Callable[[Segment], str], target_s: float, salt: str, at_most: float = math.inf) -> set[str]:
    """Return up to `at_most` groups, in the order of their hashes, each as it brings the sum nearer to `target_s`; maybe none."""
    durations = _durations(rows, group_of)
    chosen, chosen_s = set(), 0.0
    for name in sorted(durations, key=lambda name: hashlib.sha256(f"{salt} {name}".encode()).digest()):
        nearer = chosen_s + durations[name] / 2 < target_s
        if nearer and len(chosen) < at_most:
            chosen.add(name)
            chosen_s += durations[name]
    return chosen


def _durations(rows: list[Segment], group_of: Callable[[Segment], str]) -> dict[str, float]:
    durations: dict[str, float] = defaultdict(float)
    for row in rows:
        durations[group_of(row)] += row.duration_s
    return durations


def _speaker_or_recording(row: Segment) -> str:
    return row.speaker or row.recording


def _recording(row: Segment) -> str:
    return row.recording


def _duration(rows: list[Segment]) -> float:
    return sum(row.duration_s for row in rows)


def _in_common(parts: dict[str, list[Segment]]) -> tuple[list[str], list[str]]:
    """Return a sentence for each speaker and recording that is, or may be, in several parts: those that concern test, and the others."""
    leaks, others = [], []
    for speaker, rows_in in _in_several(parts, lambda row: row.speaker).items():
        where, told = " and ".join(rows_in), leaks if "test" in rows_in else others
        if not speaker:
            told.append(
                f"some speakers in {where} are unknown and may be the same; put each one's recordings in a folder of the speaker's name"
            )
            continue
        marked = {for_test(row.recording) for rows in rows_in.values() for row in rows}
        why = f"found inside and outside the folder {TEST_FOLDER}" if len(marked) > 1 else "no other speaker was left to take"
        told.append(f"speaker {speaker} is in {where}: {why}; quality on new speakers is not measured there")
    for (_, recording), rows_in in _in_several(parts, _whose_recording).items():
        where, told = " and ".join(rows_in), leaks if "test" in rows_in else others
        told.append(
            f"recording {recording} is in {where}: no other was left, so it was cut in time; quality on new ones is not measured there"
        )
    return leaks, others


def _in_several(parts: dict[str, list[Segment]], group_of: Callable[[Segment], Group]) -> dict[Group, dict[str, list[Segment]]]:
    """Return the groups that are in more than one of the parts, with their rows in each of these."""
    found: dict[Group, dict[str, list[Segment]]] = defaultdict(lambda: defaultdict(list))
    for part, rows in parts.items():
        for row in rows:
            found[group_of(row)][part].append(row)
    return {name: found[name] for name in sorted(found) if len(found[name]) > 1}
