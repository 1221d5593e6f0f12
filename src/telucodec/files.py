"""Files that appear whole or not at all: written beside their place, then renamed into it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from telucodec.errors import TelucodecError


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` to write to; rename it to `target` if all went well, else remove it.

    The suffix is kept, since writers choose their format by it. Raises TelucodecError where the folder
    cannot be written or the disk is full.
    """
    target = Path(target)
    beside = target.with_name(f".{os.getpid()}.part-{target.name}")
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
