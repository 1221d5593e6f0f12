"""Manifests: tables of speech segments, one a row, that every later step reads and a person can open.

The sound stays in 16 kHz FLAC files below a root folder, the manifest's own; a row says where in them its segment lies, how loud it is,
what is said in it and by whom. A manifest is CSV, or its twin in JSON lines (.jsonl): {"key": path, "text": ..., ...}.
Text and speakers are brought to NFC where they come in (`one_form`); manifests keep text and paths byte for byte.
"""

import csv
import io
import json
import math
import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, asdict, astuple, dataclass, fields, replace
from pathlib import Path

import numpy as np
import soundfile

from telucodec.audio.media import SAMPLE_RATE
from telucodec.errors import DataError
from telucodec.files import printable, read_table, write_changed


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
    text: str = ""
    """What is said, in NFC; empty where unknown."""
    language: str = ""
    """Code of the language, such as te; empty where unknown."""
    source: str = ""
    """Collection it came from, such as commonvoice, own or tts."""
    licence: str = ""
    """SPDX name where there is one, such as CC0-1.0; empty where unknown."""
    synthetic: bool = False
    """Whether a machine spoke it."""

    @property
    def span(self) -> tuple[int, int]:
        """First sample in its file, and how many there are. Raises DataError where its seconds are no numbers."""
        start, size = self.start_s * SAMPLE_RATE, self.duration_s * SAMPLE_RATE
        if not (math.isfinite(start) and math.isfinite(size)):
            raise DataError(f"{self.path}: its row starts at {self.start_s} s and lasts {self.duration_s} s; mend the row")
        return round(start), round(size)


COLUMNS = {field.name: field.type for field in fields(Segment)}
REQUIRED = [field.name for field in fields(Segment) if field.default is MISSING]

OWN = "own"
"""The `source` of rows of one's own recordings, and of those from anywhere that is not told."""

MANIFEST = "manifest.csv"
"""The manifest of a folder of sound, with manifest.jsonl beside it where sound came in."""

JSON_SUFFIX = ".jsonl"
MANIFEST_SUFFIXES = {".csv", JSON_SUFFIX}


def write_manifest(path: Path, rows: Iterable[Segment]) -> None:
    """Write `rows` to `path` unless it holds just them: as JSON lines where it ends in .jsonl, else as UTF-8 CSV with a heading."""
    if Path(path).suffix.lower() == JSON_SUFFIX:
        write_json_lines(path, rows)
        return
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(astuple(row) for row in rows)
    write_changed(Path(path), text.getvalue().encode())


def write_manifests(folder: Path, rows: Iterable[Segment]) -> Path:
    """Write `rows` to manifest.jsonl and MANIFEST in `folder`, as `write_manifest` does; return the latter."""
    path = Path(folder) / MANIFEST
    for each in (path.with_suffix(JSON_SUFFIX), path):
        write_manifest(each, rows)
    return path


def read_manifest(path: Path) -> list[Segment]:
    """Return the rows of `path`, CSV or JSON lines (.jsonl); columns that came later may be missing and are empty then.

    Raises DataError where it is missing, of another kind, or has a cell that is no number.
    """
    if Path(path).suffix.lower() == JSON_SUFFIX:
        return read_json_lines(path)
    table = csv.DictReader(io.StringIO(_read_text(path), newline=""))
    missing = [name for name in REQUIRED if name not in (table.fieldnames or [])]
    if missing:
        raise DataError(f"{path}: lacks the column {', '.join(missing)}; prepare the data again")
    columns = {name: _cell_reader(kind) for name, kind in COLUMNS.items() if name in table.fieldnames}
    rows = []
    try:
        for cells in table:
            rows.append(_openable(Segment(**{name: read(cells[name]) for name, read in columns.items()})))
    except (TypeError, ValueError, csv.Error) as error:
        raise DataError(f"{path}, line {table.line_num}: {error}; mend that line, or prepare the data again") from error
    return rows


def write_json_lines(path: Path, rows: Iterable[Segment]) -> None:
    """Write `rows` to `path` as UTF-8 JSON lines, whole or not at all; `key` holds the path and is first, then comes the text."""
    lines = []
    for row in rows:
        cells = asdict(row)
        lines.append(json.dumps({"key": cells.pop("path"), "text": cells.pop("text"), **cells}, ensure_ascii=False) + "\n")
    write_changed(Path(path), "".join(lines).encode())


def read_json_lines(path: Path) -> list[Segment]:
    """Return the rows that `write_json_lines` wrote to `path`; errors as in `read_manifest`."""
    rows = []
    for number, line in enumerate(_read_text(path).split("\n"), 1):  # splitlines would also cut at U+2028 within a text
        if not line.strip():
            continue
        try:
            cells = json.loads(line)
            cells["path"] = cells.pop("key")
            missing = [name for name in REQUIRED if name not in cells]
            if missing:
                raise DataError(f"{path}, line {number}: lacks {', '.join(missing)}; `telucodec import json-lines` measures the sound")
            rows.append(_openable(Segment(**{name: _typed(name, cells[name]) for name in COLUMNS if name in cells})))
        except KeyError as error:
            raise DataError(f"{path}, line {number}: lacks {error}; mend that line, or prepare the data again") from error
        except (TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            raise DataError(f"{path}, line {number}: {error}; mend that line, or prepare the data again") from error
    return rows


def moved(rows: Iterable[Segment], root: Path, new_root: Path) -> list[Segment]:
    """Return `rows`, whose paths start at the folder `root`, with paths that start at `new_root`. Raises DataError as `utf8` does."""
    way = os.path.relpath(Path(root).resolve(), Path(new_root).resolve())
    return [replace(row, path=utf8(os.path.normpath(os.path.join(way, row.path)))) for row in rows]


def read_manifests(paths: Iterable[Path], new_root: Path) -> list[Segment]:
    """Return the rows of all `paths`, with paths that start at `new_root`; errors as in `read_manifest` and `moved`."""
    return [row for path in paths for row in moved(read_manifest(path), path.parent, new_root)]


def utf8(path: str) -> str:
    """Return `path` as it is. Raises DataError where it is not UTF-8: a manifest holds text alone."""
    if printable(path) != path:
        raise DataError(f"{printable(path)}: is not UTF-8, so no manifest can name it; rename that folder or file")
    return path


def one_form(text: str) -> str:
    """Return `text` in NFC with single spaces, as texts and speakers enter a manifest, so that equal ones are equal."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def told_apart(names: Sequence[str]) -> list[str]:
    """`names`, those of them that are equal with their number behind them."""
    total, seen = Counter(names), Counter()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(f"{name} ({seen[name]})" if total[name] > 1 else name)
    return numbered


def _read_text(path: Path) -> str:
    """Return all of `path`, with the ends of its lines as they are. Raises DataError."""
    if not os.path.exists(path):
        raise DataError(f"{path}: no such manifest; prepare the data first")
    return read_table(path)


def _cell_reader(kind: type) -> Callable[[str], str | float | bool]:
    """Return what turns a cell of a CSV table into a value of `kind`."""
    return _truth if kind is bool else kind


def _openable(row: Segment) -> Segment:
    """Return `row` if its path can name a file at all."""
    if "\0" in row.path:
        raise ValueError(f"path is {row.path!r}, which no file can be called")
    return row


def _truth(cell: str) -> bool:
    if cell is None or cell.lower() not in ("true", "false", ""):
        raise ValueError(f"{cell!r} is neither true nor false")
    return cell.lower() == "true"


def _typed(name: str, value: object) -> str | float | bool:
    """Return `value` of a JSON line if it has the type of the column `name`."""
    kind = COLUMNS[name]
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) if kind is float else isinstance(value, kind)
    if not fits:
        raise TypeError(f"{name} is {value!r}, not of type {kind.__name__}")
    return kind(value)


def read_segment(row: Segment, root: Path) -> np.ndarray:
    """Return the samples of `row`, whose file lies below `root`, as float32 [1, T]. Raises DataError where they are not there."""
    path = Path(root) / row.path
    start, size = row.span
    try:
        wave, sample_rate = soundfile.read(os.fsencode(path), size, start, dtype="float32", always_2d=True)  # [T, C]
    except soundfile.SoundFileError as error:
        raise DataError(f"{path}: is missing or cannot be read; extract the recordings again") from error
    if sample_rate != SAMPLE_RATE or wave.shape[1] != 1:
        raise DataError(f"{path}: is not the {SAMPLE_RATE} Hz mono file of its manifest; extract the recordings again")
    if len(wave) != size:
        what = f"its row lasts from {row.start_s:g} s for {row.duration_s:g} s, and the file ends before"
        raise DataError(f"{path}: {what}; mend the row, or extract the recordings again")
    if not np.isfinite(wave).all():  # a file of floats may hold such
        raise DataError(f"{path}: holds NaN or infinity; extract the recordings again")
    return wave.T
