"""The sounds of a manifest brought together in one folder, which can then be moved or given away as it is."""

import errno
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import write_audio
from telucodec.data.manifest import MANIFEST, Segment, write_manifest
from telucodec.data.spans import span_of
from telucodec.files import whole
from telucodec.progress import Progress, untold


def gather(rows: Sequence[Segment], root: Path, folder: Path, link: bool = False, progress: Progress = untold) -> list[Segment]:
    """Bring the sounds of `rows`, whose files lie below `root`, into `folder` with a manifest; return its rows.

    A row that is a whole file is copied byte for byte, or linked; one that is part of a file becomes a FLAC file of its own, the same
    samples. Links are hard, or symbolic where the folder is on another disk. Raises DataError where a sound is not there.
    """
    root, folder = Path(root), Path(folder)
    gathered: list[Segment] = []
    taken: dict[str, tuple[Path, tuple[int, int] | None]] = {}  # path below the folder -> what lies there
    for number, row in enumerate(rows):
        span = span_of(row, root)
        origin = (span.path, None if span.is_whole_file else row.span)
        name = _free_name(row, None if span.is_whole_file else span.first, taken, origin)
        if taken.get(name) != origin:
            taken[name] = origin
            if not span.is_whole_file:
                write_audio(_own(folder / name), span.windows(), SAMPLE_RATE)
            elif link:
                _link(span.path, _own(folder / name))
            elif not (folder / name).exists() or not (folder / name).samefile(span.path):
                with whole(_own(folder / name)) as beside:
                    shutil.copyfile(span.path, beside)
        gathered.append(replace(row, path=name, start_s=0.0, duration_s=span.num_samples / SAMPLE_RATE))
        progress(number + 1, len(rows), row.recording)
    write_manifest(folder / MANIFEST, gathered)
    return gathered


def _free_name(row: Segment, start: int | None, taken: dict, origin: object) -> str:
    """Return a path for `row` that no other sound has: its own without what leads out of the folder, parts with their first sample."""
    path = PurePosixPath(*(part for part in PurePosixPath(row.path).parts if part not in ("..", "/")))
    stem = path.stem if start is None else f"{path.stem}-{start:09d}"
    suffix = path.suffix if start is None else ".flac"
    name, number = str(path.with_name(stem + suffix)), 1
    while taken.get(name, origin) != origin:
        number += 1
        name = str(path.with_name(f"{stem}-{number}{suffix}"))
    return name


def _own(place: Path) -> Path:
    """`place` without the link of an earlier run, which would lead what is written there to somebody's recording."""
    if place.is_symlink():
        place.unlink()
    return place


def _link(source: Path, target: Path) -> None:
    with whole(target) as beside:
        try:
            os.link(source, beside)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK):
                raise
            os.symlink(source, beside)
