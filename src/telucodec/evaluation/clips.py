"""The test set: the rows of a manifest, every sound file of a folder, or one, each read when its turn comes."""

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from telucodec.audio.media import read_media
from telucodec.data.manifest import read_manifest, read_segment, told_apart
from telucodec.data.media_folder import MEDIA_SUFFIXES, media_below
from telucodec.errors import DataError
from telucodec.files import printable

KEPT = re.compile(r"sample_\d+_original\.flac")
"""What lies in every folder of sound that an evaluation kept (`evaluation.compare`)."""


@dataclass(frozen=True)
class Clip:
    """One piece of test speech."""

    name: str
    """No other clip of its test set has it."""
    read: Callable[[], np.ndarray]
    """-> float32 [1, T] at 16 kHz; picklable. May raise TelucodecError."""
    group: str = ""
    """What a table may break its rows down by: the speaker of a manifest's row, the subfolder of a file."""
    text: str = ""
    """What is said in it; empty where unknown."""
    language: str = ""
    """Code of the language, such as te; empty where the manifest does not say, and for a folder."""


@dataclass(frozen=True)
class Clips:
    """A test set and the hash that pins it."""

    name: str
    sha256: str
    """Of the names and contents of all sound files, and of the manifest where it is one."""
    clips: tuple[Clip, ...]


def open_clips(data: Path) -> Clips:
    """A manifest, a folder of sound or one sound file as a test set, nothing decoded yet. Raises DataError where there is nothing in it."""
    data = Path(data)
    if not data.exists():
        raise DataError(f"{data}: no such file or folder; check its name")
    if data.is_dir():
        found = _of_sounds(Path(os.path.abspath(data)).name, data, sorted(media_below(data, _was_kept)))  # "." has a name too
    elif data.suffix.lower() in MEDIA_SUFFIXES:
        found = _of_sounds(data.name, data.parent, [data])
    else:
        found = _of_manifest(data)
    if not found.clips:
        raise DataError(f"{data}: holds no speech to evaluate; pass a manifest, or a folder of recordings (wav, flac, mp3, m4a, mp4 ...)")
    return found


def _of_manifest(path: Path) -> Clips:
    rows = read_manifest(path)
    names = told_apart([f"{row.recording or row.path} at {row.start_s:.2f} s" for row in rows])
    clips = (
        Clip(name, partial(read_segment, row, path.parent), row.speaker, row.text, row.language)
        for name, row in zip(names, rows, strict=True)
    )
    content = hashlib.sha256(path.read_bytes())
    for name in dict.fromkeys(row.path for row in rows):
        content.update(_line(name, path.parent / name))
    return Clips(printable(path.name), content.hexdigest(), tuple(clips))


def _of_sounds(name: str, folder: Path, paths: Sequence[Path]) -> Clips:
    """The sound files `paths` below `folder`."""
    names = [path.relative_to(folder).as_posix() for path in paths]
    content = hashlib.sha256()
    for clip, path in zip(names, paths, strict=True):
        content.update(_line(clip, path))
    told = told_apart([printable(clip) for clip in names])
    groups = [clip.partition("/")[0] if "/" in clip else "" for clip in told]
    clips = (Clip(clip, partial(read_media, path), group) for clip, path, group in zip(told, paths, groups, strict=True))
    return Clips(printable(name), content.hexdigest(), tuple(clips))


def _line(name: str, path: Path) -> bytes:
    """What pins the file `path` under `name`; one that is missing, too, so that it is another set once it is there."""
    try:
        with open(path, "rb") as sound:
            content = hashlib.file_digest(sound, "sha256").hexdigest()
    except OSError:
        content = "cannot be read"
    return f"{name}\0{content}\n".encode("utf-8", "surrogatepass")  # names of files may hold bytes that are no letters


def _was_kept(folder: Path) -> bool:
    """Whether an evaluation kept the sound in `folder`: that was coded, and would change the set from one evaluation to the next."""
    with suppress(OSError):
        return any(KEPT.fullmatch(name) for name in os.listdir(folder))
    return False
