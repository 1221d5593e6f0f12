"""Names of files that verbs write: what a name promises is what lies there, and nothing else is written over by a slip."""

import os
from collections.abc import Callable, Iterable
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


def spare(sources: Iterable[Path], *targets: Path) -> None:
    """Raise TelucodecError where one of `targets`, which are to be written, is one of the `sources` it would be made of."""
    for source in sources:
        for target in targets:
            written = Path(os.path.realpath(target))  # a folder on its way may be missing still
            if written.exists() and source.exists() and written.samefile(source):
                raise TelucodecError(f"{printable(target)}: is what it would be made of; give another name to write to")
