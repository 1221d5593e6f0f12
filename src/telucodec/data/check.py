"""Whether a manifest is true: every file is there, decodes, and sounds as its row says."""

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from telucodec.data.loudness import measure
from telucodec.data.manifest import Segment
from telucodec.errors import DataError
from telucodec.progress import Progress, untold

TOLERANCE = 1e-3
"""Rows hold all digits; a spreadsheet that saved them may have rounded."""


def check(rows: Iterable[Segment], root: Path, progress: Progress = untold) -> Iterator[str]:
    """Yield a line for each thing that is wrong with `rows`, whose files lie below `root`; nothing where all is well."""
    rows, seen = list(rows), set()
    for number, row in enumerate(rows):
        progress(number, len(rows), row.recording)
        yield from _findings(row, Path(root))
        if (row.path, row.start_s) in seen:
            yield f"{row.path} at {row.start_s:.2f} s: is listed twice; leave one row out"
        seen.add((row.path, row.start_s))
    progress(len(rows), len(rows), "")


def _findings(row: Segment, root: Path) -> Iterator[str]:
    at = f"{row.path} at {row.start_s:.2f} s"
    if not (row.start_s >= 0 and row.duration_s > 0):
        yield f"{at}: starts at {row.start_s} s and lasts {row.duration_s} s; mend the row"
        return
    try:
        measured = measure(root / row.path, *row.span)
    except DataError as error:
        yield str(error)
        return
    for name in ("rms", "peak", "clipped_share"):
        stated, found = getattr(row, name), getattr(measured, name)
        if not abs(stated - found) <= TOLERANCE:
            yield f"{at}: has {name} {found:.4f} where the row says {stated:.4f}; the file was changed, import it again"
    if not unicodedata.is_normalized("NFC", row.text):
        yield f"{at}: its text is not in NFC; import it again"
