"""The folder that an import or an extraction writes to: one run at a time, and cleared of what a killed one left half written."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from telucodec.errors import DataError, TelucodecError
from telucodec.files import HALF_WRITTEN

AUDIO_FOLDER = "audio"

NAME_BYTES = 200
"""Longest name of a sound. File systems take 255 bytes, Telugu letters are three each, and suffixes are yet to come."""

CLAIM_S = 0.5
"""How long a run tries to get its folder: `at_work` holds it for a moment."""


def flac_path(name: str) -> str:
    """Return where the FLAC file of the sound `name` lies below the folder."""
    return f"{AUDIO_FOLDER}/{name}.flac"


@contextmanager
def workplace(out: Path) -> Iterator[None]:
    """Hold the folder `out`, made where it is not there, for one run; sweep it before, and after a run that failed.

    Without the hold a second run would sweep away what the first is writing. Raises DataError where another run holds it,
    TelucodecError where it cannot be written. The system lets go of the folder when the process ends, in whatever way.
    """
    with _writable(out):
        (out / AUDIO_FOLDER).mkdir(parents=True, exist_ok=True)
    with held(out, out):
        sweep(out)
        try:
            yield
        except BaseException:
            sweep(out)
            raise


@contextmanager
def held(folder: Path, out: Path) -> Iterator[None]:
    """Hold `folder`, which is `out` or in it, made where it is not there, for one run that writes to `out`.

    Raises DataError where another run holds it, TelucodecError where it cannot be written.
    """
    with _writable(out):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        _claim(descriptor, out)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _writable(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TelucodecError(f"{out}: cannot be written ({error.strerror}); choose another place") from error


def _claim(folder: int, out: Path) -> None:
    give_up = time.monotonic() + CLAIM_S
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > give_up:
                raise DataError(f"{out}: another run is writing there; wait for it, or choose another folder") from None
            time.sleep(0.05)
        except OSError:
            return  # a file system, such as NFS, that cannot lock folders


def at_work(out: Path) -> bool:
    """Return whether a run holds the folder `out`; where the file system cannot tell, one may."""
    try:
        folder = os.open(out, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(folder)
    return False


def half_written(out: Path) -> Iterator[Path]:
    """Yield the files that are being written in `out` and below its folder of sound, or were when their run was killed."""
    for path in [*out.glob(".*"), *(out / AUDIO_FOLDER).rglob(".*")]:
        if HALF_WRITTEN.fullmatch(path.name):
            yield path


def sweep(out: Path) -> None:
    """Remove what a run that was killed left half written."""
    for path in half_written(out):
        with suppress(OSError):
            path.unlink()
