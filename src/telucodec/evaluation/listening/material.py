"""What a listening test is made of: the sounds kept by `telucodec evaluate`, or a folder with one subfolder for each system."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from telucodec.data.manifest import told_apart
from telucodec.data.media_folder import MEDIA_SUFFIXES, by_name
from telucodec.errors import DataError
from telucodec.evaluation.judge import UNTOUCHED
from telucodec.evaluation.listening.key import KeySystem
from telucodec.evaluation.results import Results, beside, read_results
from telucodec.files import printable

REFERENCE = "reference"
"""Subfolder of the originals, and the name of the hidden reference."""
ANCHORS_HZ = {"anchor_3.5_kHz": 3500.0, "anchor_7_kHz": 7000.0}
"""Low and mid anchor of BS.1534-3, section 5.1."""
SAME_RATE = 0.1
"""Systems within this share of the rate asked for are at that rate."""


@dataclass(frozen=True)
class Spoken:
    """A clip and what each system made of it."""

    name: str
    original: Path
    decoded: dict[str, Path]
    """Per system."""


@dataclass(frozen=True)
class Material:
    """Systems and the clips that all of them have an output for."""

    systems: tuple[KeySystem, ...]
    clips: tuple[Spoken, ...]
    left_out: tuple[str, ...]
    """Clips that some system failed on, each with that system."""


def open_material(source: Path, names: Sequence[str] = (), kbps: float | None = None) -> Material:
    """Collect what to listen to from results.json or a folder, nothing read but names.

    `names` picks systems, all where empty. `kbps` keeps those whose rate, measured on these clips, is within SAME_RATE of it.
    Raises DataError where nothing is left, a name is unknown, or rates are asked for that were not measured.
    """
    source = Path(source)
    systems, clips = _of_folder(source) if source.is_dir() else _of_results(source, read_results(source))
    if unknown := [name for name in names if name not in {system.name for system in systems}]:
        raise DataError(f"{source}: has no sound of {', '.join(unknown)}; it has {', '.join(system.name for system in systems) or 'none'}")
    chosen = [system for system in systems if not names or system.name in names]
    if kbps is not None:
        chosen = [system for system in chosen if system.kbps is not None and abs(system.kbps - kbps) <= SAME_RATE * kbps]
        if not chosen:
            rates = ", ".join(f"{system.name} {_rate(system)}" for system in systems)
            raise DataError(
                f"{source}: no system was measured within {100 * SAME_RATE:g} % of {kbps:g} kbps ({rates}); ask for another rate"
            )
    if not chosen:
        raise DataError(f"{source}: holds no decoded sound; run telucodec evaluate with --samples, or pass a folder of clips")
    missing = {clip.name: [system.name for system in chosen if system.name not in clip.decoded] for clip in clips}
    kept = tuple(clip for clip in clips if not missing[clip.name])
    left_out = tuple(f"{name}: no sound of {', '.join(lacking)}" for name, lacking in missing.items() if lacking)
    if not kept:
        raise DataError(f"{source}: no clip has the sound of every system ({left_out[0] if left_out else 'no clips'}); choose --systems")
    return Material(tuple(chosen), kept, left_out)


def _rate(system: KeySystem) -> str:
    return "not measured" if system.kbps is None else f"{system.kbps:.2f}"


def _of_results(path: Path, results: Results) -> tuple[list[KeySystem], list[Spoken]]:
    heard = {sample.clip for sample in results.samples}
    systems = []
    for row in results.contenders:
        # The original that was judged would be a second hidden reference.
        if row.name != UNTOUCHED and any(row.name in sample.decoded for sample in results.samples):
            trials = [trial for trial in results.of(row.name) if trial.clip in heard and trial.num_bytes is not None]
            seconds = math.fsum(trial.duration_s for trial in trials)
            kbps = 8 * sum(trial.num_bytes for trial in trials) / seconds / 1000 if seconds > 0 else None
            systems.append(KeySystem(name=row.name, label=row.label, role="system", kbps=kbps))
    clips = [
        Spoken(s.clip, beside(path, s.original), {name: beside(path, sound) for name, sound in s.decoded.items()}) for s in results.samples
    ]
    return systems, clips


def _of_folder(folder: Path) -> tuple[list[KeySystem], list[Spoken]]:
    folders = [below for below in sorted(folder.iterdir()) if below.is_dir() and not below.name.startswith(".")]
    names = told_apart([printable(below.name) for below in folders])
    sounds = {name: _sounds(below) for name, below in zip(names, folders, strict=True)}
    originals = sounds.pop(REFERENCE, None)
    if not originals:
        raise DataError(
            f"{folder}: has no originals; put them in {folder / REFERENCE}, and each system's files, of the same names, beside it"
        )
    systems = [KeySystem(name=name, label=name, role="system") for name, found in sounds.items() if found]
    return systems, [
        Spoken(clip, original, {name: found[clip] for name, found in sounds.items() if clip in found})
        for clip, original in originals.items()
    ]


def _sounds(folder: Path) -> dict[str, Path]:
    """Sound files in `folder` by their name without suffix. Raises DataError where two have one name."""
    found = (
        path for path in folder.iterdir() if path.suffix.lower() in MEDIA_SUFFIXES and path.is_file() and not path.name.startswith(".")
    )
    return by_name(found, folder)
