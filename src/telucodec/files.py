"""Files that appear whole or not at all: written beside their place, then renamed into it."""

import csv
import io
import math
import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from telucodec.errors import DataError, TelucodecError

HALF_WRITTEN = re.compile(r"\.[\d-]+\.part-(?P<target>.+)", re.DOTALL)
"""Name of a file that is being written, or was when its process was killed."""

_serials = count()


def for_a_file(target: Path) -> Path:
    """`target`, where a file is to be written after much work. Raises TelucodecError where that cannot be: a folder, a pipe or a device
    has that name, or no file can be made in its folder."""
    target = Path(target)
    if os.path.isdir(target):
        raise TelucodecError(f"{target}: is a folder; name a file to write")
    if os.path.exists(target) and not os.path.isfile(target):
        raise TelucodecError(f"{target}: is a pipe or a device, and files are written beside their place first; name a file to write")
    folder = next(above for above in Path(os.path.realpath(target)).parents if os.path.exists(above))
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        what = "no new file may be written there" if folder.is_dir() else "it is no folder"
        raise TelucodecError(f"{target}: cannot be written into {folder} ({what}); choose another place")
    return target


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` to write to; rename it to `target` if all went well, else remove it.

    The suffix is kept, since writers choose their format by it; a file that is replaced leaves its mode, and a link stays and leads
    to the new one. Raises TelucodecError where the folder cannot be written or the disk is full, or `target` is no file.
    """
    target = for_a_file(target)
    place = Path(os.path.realpath(target))
    beside = place.with_name(f".{os.getpid()}-{next(_serials)}.part-{target.name}")  # two threads may write one target
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        yield beside
        with suppress(OSError):
            _hand_down(place.stat(), beside)
        os.replace(beside, place)
    except OSError as error:
        raise TelucodecError(f"{target}: cannot be written ({error.strerror or error}); choose another place or free some disk") from error
    finally:
        with suppress(OSError):
            beside.unlink()


def _hand_down(before: os.stat_result, beside: Path) -> None:
    """Give the file `beside` owner and mode of the one `before`, as far as that is allowed; but not if it is a link to one that has its own."""
    after = beside.lstat()
    if stat.S_ISREG(after.st_mode) and after.st_nlink == 1:
        with suppress(OSError):
            os.chown(beside, before.st_uid, before.st_gid)
        os.chmod(beside, stat.S_IMODE(before.st_mode))


def write_whole(target: Path, content: bytes) -> None:
    """Write `content` to `target`, whole or not at all."""
    with whole(target) as beside:
        beside.write_bytes(content)


def write_changed(target: Path, content: bytes) -> None:
    """Write `content` to `target` unless it holds just that, so that its date tells when it last changed."""
    target = for_a_file(target)
    with suppress(OSError):
        if target.read_bytes() == content:
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


def without_nan(value: object) -> object:
    """Return `value`, to be written as JSON, with null for every number in it that is not finite: JSON has none."""
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_table(path: Path) -> str:
    """The text of `path`, a byte order mark left out. Raises DataError where it is missing or not UTF-8."""
    try:
        return Path(path).read_bytes().decode("utf-8-sig")  # a spreadsheet may have put that mark in front
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; check its name and folder") from error
    except IsADirectoryError as error:
        raise DataError(f"{path}: is a folder; name one file in it") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check who may read it") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error


def fits_a_line(words: str) -> bool:
    """Whether `words` print on one line as they are, whatever the script: spaces and joiners do, control characters and what turns the direction do not."""
    return not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(char) in _TURNING for char in words)


_TURNING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def printable(path: Path | str) -> str:
    """Return the name of `path` as any terminal can print it, with the bytes that are not UTF-8 replaced."""
    return os.fsencode(path).decode("utf-8", "replace")
