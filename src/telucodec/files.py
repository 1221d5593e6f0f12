"""Files that appear whole or not at all: written beside their place, then renamed into it."""

import csv
import io
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from telucodec.errors import TelucodecError

HALF_WRITTEN = re.compile(r"\.[\d-]+\.part-(?P<target>.+)", re.DOTALL)
"""Name of a file that is being written, or was when its process was killed."""

_serials = count()


def not_a_folder(target: Path) -> Path:
    """`target`, where a file is to be written after much work. Raises TelucodecError where a folder has that name."""
    target = Path(target)
    if target.is_dir():
        raise TelucodecError(f"{target}: is a folder; name a file to write")
    return target


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` to write to; rename it to `target` if all went well, else remove it.

    The suffix is kept, since writers choose their format by it. Raises TelucodecError where the folder
    cannot be written or the disk is full.
    """
    target = not_a_folder(target)
    beside = target.with_name(f".{os.getpid()}-{next(_serials)}.part-{target.name}")  # two threads may write one target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        os.replace(beside, target)
    except OSError as error:
        raise TelucodecError(f"{target}: cannot be written ({error.strerror or error}); choose another place or free some disk") from error
    finally:
        with suppress(OSError):
            beside.unlink()


def write_whole(target: Path, content: bytes) -> None:
    """Write `content` to `target`, whole or not at all."""
    with whole(target) as beside:
        beside.write_bytes(content)


def write_changed(target: Path, content: bytes) -> None:
    """Write `content` to `target` unless it holds just that, so that its date tells when it last changed."""
    with suppress(OSError):
        if Path(target).read_bytes() == content:
            return
    write_whole(target, content)


def append_line(journal: Path, line: str) -> None:
    """Add `line` to the file `journal`, on a line of its own whatever became of the one before. Raises TelucodecError where it cannot be written."""
    try:
        with open(journal, "ab+") as lines:
            if lines.tell():
                lines.seek(-1, os.SEEK_END)
                if lines.read() != b"\n":
                    lines.write(b"\n")
            lines.write(line.encode() + b"\n")
    except OSError as error:
        raise TelucodecError(f"{journal}: cannot be written ({error.strerror}); free some disk and run the same again") from error


def write_table(target: Path, heading: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Write `rows` to `target` as UTF-8 CSV below `heading`, as `write_changed` does."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(heading)
    table.writerows(rows)
    write_changed(target, text.getvalue().encode("utf-8", "replace"))


def fits_a_line(words: str) -> bool:
    """Whether `words` print on one line as they are, whatever the script: spaces and joiners do, control characters and what turns the direction do not."""
    return not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(char) in _TURNING for char in words)


_TURNING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def printable(path: Path) -> str:
    """Return the name of `path` as any terminal can print it, with the bytes that are not UTF-8 replaced."""
    return os.fsencode(path).decode("utf-8", "replace")
