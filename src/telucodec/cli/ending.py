"""Names of files that verbs write: what a name promises is what lies there, and nothing else is written over by a slip."""

from collections.abc import Callable
from pathlib import Path

import typer

from telucodec.errors import TelucodecError
from telucodec.files import printable


def ending_in(*suffixes: str) -> Callable[[Path | None], Path | None]:
    """The check of an option: its path must end in one of `suffixes`."""

    def checked(path: Path | None) -> Path | None:
        if path is not None and path.suffix.lower() not in suffixes:
            raise typer.BadParameter(f"{printable(path)}: what is written there ends in {suffixes[0]}; name it so")
        return path

    return checked


def spare(source: Path, target: Path) -> None:
    """Raise TelucodecError where `target`, which is to be written, is the `source` it would be made of."""
    if target.exists() and source.exists() and target.samefile(source):
        raise TelucodecError(f"{printable(target)}: is what it would be made of; give another name to write to")
