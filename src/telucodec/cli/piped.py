"""`-` for what is piped in or out. It waits in a temporary file, since media and .tlc files are gone back and forth in."""

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from telucodec.errors import TelucodecError

PIPE = Path("-")


def or_piped(check: Callable[[Path | None], Path | None]) -> Callable[[Path | None], Path | None]:
    """The `check` of a path, for whatever is not `-`."""
    return lambda path: path if path == PIPE else check(path)


@contextmanager
def piped_in(source: Path) -> Iterator[Path]:
    """Yield `source`, or a file of all that comes through it where it is a pipe, `-` being standard input.

    Raises TelucodecError where standard input is a terminal, or there is no room for what comes.
    """
    if source != PIPE and not _is_pipe(source):
        yield source
        return
    if source == PIPE and (sys.stdin is None or sys.stdin.isatty()):
        raise TelucodecError("-: is what is piped in, and nothing is; name a file, or write `program | telucodec ...`")
    with TemporaryDirectory() as folder:
        held = Path(folder) / ("standard input" if source == PIPE else source.name)
        try:
            with sys.stdin.buffer if source == PIPE else open(source, "rb") as pipe, open(held, "wb") as file:
                shutil.copyfileobj(pipe, file)
        except OSError as error:
            raise TelucodecError(f"{source}: what is piped in cannot be kept below {folder} ({error.strerror}); free some disk") from error
        yield held


@contextmanager
def piped_out(target: Path, suffix: str) -> Iterator[Path]:
    """Yield `target`, or where it is `-` a file ending in `suffix` that goes to standard output once all went well.

    Raises TelucodecError where standard output is a terminal.
    """
    if target != PIPE:
        yield target
        return
    if sys.stdout is None or sys.stdout.isatty():
        raise TelucodecError("-: would fill the terminal with bytes; name a file, or write `telucodec ... | program`")
    with TemporaryDirectory() as folder:
        held = Path(folder) / f"standard output{suffix}"
        yield held
        with open(held, "rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _is_pipe(path: Path) -> bool:
    return os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode)
