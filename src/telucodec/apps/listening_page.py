"""A listening test as one HTML page that works from a mail or a stick, without a server or a network, and the key that stays behind.

Sound is embedded rather than laid beside the page: a page opened as a file may not read its neighbours' samples, which it needs to switch
between sounds without a gap, and file names would tell what they are. The page holds numbers where the key holds names. Who takes the page
apart can still measure which sound has no high frequencies; blindness here is against accident, not against intent.
"""

import hashlib
import json
import math
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from telucodec.apps.build_record import BuildRecord
from telucodec.apps.page import TEMPLATES, rendered
from telucodec.apps.table import summaries
from telucodec.apps.verdicts import headline
from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import flac_bytes
from telucodec.errors import DataError
from telucodec.evaluation.listening.key import Key, KeyItem, KeySystem, Method, Role, read_key, write_key
from telucodec.evaluation.listening.material import ANCHORS_HZ, REFERENCE, Material
from telucodec.evaluation.listening.versions import Versions, versions
from telucodec.evaluation.made import made
from telucodec.evaluation.results import Results
from telucodec.files import write_whole
from telucodec.progress import Progress, untold

MAX_SOUNDS = 9
"""On one screen: each has a digit for its key. BS.1534-3, section 5.1, allows twelve."""
MAX_SOUND_BYTES = 60_000_000
"""Of FLAC, some 50 minutes at 16 kHz. Base64 makes a page of 80 MB of it, which phones still open."""

LOW_ANCHOR, MID_ANCHOR = ANCHORS_HZ


def make_listening_test(
    material: Material,
    out_html: Path,
    command: str,
    method: Method = "mushra",
    seed: int = 0,
    mid_anchor: bool = False,
    against: str = REFERENCE,
    repeats: int = 4,
    progress: Progress = untold,
) -> Key:
    """Write the page to `out_html` and its key beside it (`key_path`); return the key.

    MUSHRA: every system, the hidden reference and the anchor at 3.5 kHz, `mid_anchor` also that at 7 kHz. ABX: every system and `against`,
    `repeats` trials for each clip. The same material and seed give the same page. Raises DataError for too much or unsuitable sound.
    """
    systems = _conditions(material, method, mid_anchor, against)
    names = tuple(system.name for system in systems)
    rng = np.random.default_rng(seed)
    items, embedded, num_bytes, content = [], [], 0, hashlib.sha256(f"{method} {seed} {against} {repeats}".encode())
    for number, clip in enumerate(material.clips):
        found = versions(clip, names)
        order = [names[place] for place in rng.permutation(len(names))]
        sounds = [flac_bytes(found.waves[name], SAMPLE_RATE) for name in order]
        num_bytes += sum(map(len, sounds))
        if num_bytes > MAX_SOUND_BYTES:
            raise DataError(
                f"{clip.name}: with it the page would hold more than {MAX_SOUND_BYTES / 1e6:.0f} MB of sound; choose fewer clips or systems"
            )
        for sound in sounds:
            content.update(sound)
        items.append(_item(clip.name, order, found))
        embedded.append(_embedded(order, sounds, method, against))
        progress(number + 1, len(material.clips), clip.name)
    key = Key(
        test=content.hexdigest()[:12],
        method=method,
        seed=seed,
        made=made(command),
        systems=systems,
        items=tuple(items),
        against=against if method == "abx" else "",
        repeats=repeats if method == "abx" else 1,
    )
    if key_path(out_html).exists() and read_key(key_path(out_html)).test != key.test:
        raise DataError(f"{key_path(out_html)}: is the key of another test, whose answers need it; give this page another name")
    write_whole(Path(out_html), _page(key, embedded).encode())
    write_key(key_path(out_html), key)
    return key


def key_path(out_html: Path) -> Path:
    """Where the key of a page lies: page.html has page.key.json."""
    return Path(out_html).with_suffix(".key.json")


def most_systems(mid_anchor: bool) -> int:
    """How many systems there is room for on the screen of a MUSHRA test, beside the hidden reference and the anchors."""
    return MAX_SOUNDS - 2 - mid_anchor


def nearest_in_rate(results: Results, systems: Sequence[KeySystem], number: int) -> list[str]:
    """Names of the `number` of `systems` whose rates lie nearest to the setting that a report judges; none where no model was run."""
    judged = headline(results, BuildRecord())
    if judged is None:
        return []
    kbps = summaries(results)[judged.name].kbps

    def distance(system: KeySystem) -> float:
        return abs(math.log(system.kbps / kbps)) if system.kbps and kbps > 0 else math.inf

    return [system.name for system in sorted(systems, key=distance)[:number]]


def _conditions(material: Material, method: Method, mid_anchor: bool, against: str) -> tuple[KeySystem, ...]:
    """What is heard of every clip."""
    systems = list(material.systems)
    if taken := {system.name for system in systems} & {REFERENCE, *ANCHORS_HZ}:
        raise DataError(f"a system is called {min(taken)}, which is the name of what it is compared with; rename it")
    if method == "mushra":
        systems += [_condition(REFERENCE, "Hidden reference", "reference"), _condition(LOW_ANCHOR, "Low anchor, 3.5 kHz", "low anchor")]
        systems += [_condition(MID_ANCHOR, "Mid anchor, 7 kHz", "mid anchor")] if mid_anchor else []
        if len(systems) > MAX_SOUNDS:
            raise DataError(
                f"{len(systems)} sounds on one screen are too many to compare; choose at most {most_systems(mid_anchor)} with --systems"
            )
        return tuple(systems)
    if against == REFERENCE:
        systems.append(_condition(REFERENCE, "Original", "reference"))
    names = [system.name for system in systems]
    if against not in names:
        raise DataError(f"{against}: not among the systems, so nothing can be compared with it; there are {', '.join(names)}")
    if len(names) < 2:
        raise DataError(f"{against}: is the only system, so it has nothing to be compared with; choose another with --systems")
    return tuple(systems)


def _condition(name: str, label: str, role: Role) -> KeySystem:
    return KeySystem(name=name, label=label, role=role)


def _item(clip: str, order: Sequence[str], found: Versions) -> KeyItem:
    gains = tuple(round(found.gains_db[name], 3) for name in order)
    return KeyItem(clip=clip, sounds=tuple(order), gains_db=gains, headroom_db=round(found.headroom_db, 3))


def _embedded(order: Sequence[str], sounds: Sequence[bytes], method: Method, against: str) -> dict:
    """One clip as the page has it: nothing in it tells which sound is which."""
    item: dict = {"sounds": [b64encode(sound).decode() for sound in sounds]}
    if method == "mushra":
        item["reference"] = item["sounds"][order.index(REFERENCE)]  # again, so that no number points to the hidden one
    else:
        fixed = order.index(against)
        item["pairs"] = [sorted((fixed, other)) for other in range(len(order)) if other != fixed]
    return item


def _page(key: Key, embedded: Sequence[dict]) -> str:
    test = {
        "test": key.test,
        "schema": key.schema_version,
        "method": key.method,
        # Not the key's own seed, from which the order of sounds could be drawn again.
        "seed": hashlib.sha256(f"order {key.seed} {key.test}".encode()).hexdigest()[:8],
        "repeats": key.repeats,
        "rate": SAMPLE_RATE,
        "items": embedded,
    }
    words = json.loads((TEMPLATES / "listening_words.json").read_text("utf-8"))
    return rendered("listening.html", test=test, words=words, num_items=len(key.items))
