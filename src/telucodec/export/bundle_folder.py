"""The folder of a bundle: all of it is replaced once the new one is written and found right, or nothing is."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from telucodec.errors import ModelError


@contextmanager
def bundle_folder(out: Path, last: str, optional: str) -> Iterator[Path]:
    """Yield a folder beside `out` to write to, then move its files into `out`, the one called `last`, by which a bundle is known, at the end.

    The file `optional` of an older bundle goes too. Where what is done here fails, `out` stays as it was. Raises ModelError where that is a file.
    """
    out = Path(os.path.realpath(out))  # the working folder has a name only so
    if out.exists() and not out.is_dir():
        raise ModelError(f"{out}: is a file; name a folder for the bundle")
    beside = out.with_name(f".{os.getpid()}.part-{out.name}")
    try:
        yield beside
        out.mkdir(parents=True, exist_ok=True)
        for name in (last, optional):  # an older bundle is none while it is being replaced
            (out / name).unlink(missing_ok=True)
        for path in sorted(beside.iterdir(), key=lambda path: path.name == last):
            path.replace(out / path.name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
