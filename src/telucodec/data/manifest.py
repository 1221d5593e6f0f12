"""Manifests: CSV tables of speech segments, one a row, that every later step reads and a person can open.

The sound stays in 16 kHz FLAC files below a root folder; a row says where in them its segment lies and how loud it is.
"""

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import soundfile

from telucodec.audio.media import SAMPLE_RATE
from telucodec.errors import DataError
from telucodec.files import write_whole


@dataclass(frozen=True)
class Segment:
    """A stretch of one recording."""

    path: str
    """FLAC file that holds it, below the root folder, with / between folders."""
    start_s: float
    duration_s: float
    recording: str
    """Media file it came from, below the media folder."""
    speaker: str
    """Empty where unknown."""
    rms: float
    """Root of the mean square; full scale is 1."""
    peak: float
    """Largest magnitude; full scale is 1."""
    clipped_share: float
    """Share of samples at full scale, 0 to 1."""


COLUMNS = {field.name: field.type for field in fields(Segment)}


def write_manifest(path: Path, rows: Iterable[Segment]) -> None:
    """Write `rows` to `path` as UTF-8 CSV with a heading, whole or not at all."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(astuple(row) for row in rows)
    write_whole(Path(path), text.getvalue().encode())


def read_manifest(path: Path) -> list[Segment]:
    """Return the rows of `path`. Raises DataError where it is missing, of another kind, or has a cell that is no number."""
    try:
        text = Path(path).read_text("utf-8-sig")  # a spreadsheet may have put a byte order mark in front
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such manifest; prepare the data first") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); prepare the data again") from error
    table = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in COLUMNS if name not in (table.fieldnames or [])]
    if missing:
        raise DataError(f"{path}: lacks the column {', '.join(missing)}; prepare the data again")
    rows = []
    for cells in table:
        try:
            rows.append(Segment(**{name: kind(cells[name]) for name, kind in COLUMNS.items()}))
        except (TypeError, ValueError) as error:
            raise DataError(f"{path}, line {table.line_num}: {error}; mend that line, or prepare the data again") from error
    return rows


def read_segment(row: Segment, root: Path) -> np.ndarray:
    """Return the samples of `row`, whose file lies below `root`, as float32 [1, T]. Raises DataError where they are not there."""
    path = Path(root) / row.path
    start, size = round(row.start_s * SAMPLE_RATE), round(row.duration_s * SAMPLE_RATE)
    try:
        wave, sample_rate = soundfile.read(os.fsencode(path), size, start, dtype="float32", always_2d=True)  # [T, C]
    except soundfile.SoundFileError as error:
        raise DataError(f"{path}: is missing or cannot be read; extract the recordings again") from error
    if sample_rate != SAMPLE_RATE or wave.shape != (size, 1):
        raise DataError(f"{path}: is not the {SAMPLE_RATE} Hz mono file of its manifest; extract the recordings again")
    return wave.T
