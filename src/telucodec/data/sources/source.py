"""What a source of data is: utterances with all that is known of them, and their sounds one after the other.

A source tells first what it holds, which is cheap, and then hands over those sounds that are asked for, in its own order, so that an
archive is streamed and nothing that was imported before is decoded again.
"""

import hashlib
import os
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from telucodec.data.workplace import NAME_BYTES

JOURNAL = "import.jsonl"
"""File that marks a folder as the result of an import; sources pass over it."""

Reject = Callable[[str, str], None]
"""reject(which, why): tell of a row that cannot be used."""


@dataclass(frozen=True)
class SourceConfig:
    """What the user says of a source, for all that it does not say itself."""

    parts: tuple[str, ...] = ("validated",)
    """Parts of a Common Voice release to take: validated, train, dev, test, other."""
    language: str = ""
    """Common Voice: take this language alone. Others: language of rows that name none."""
    speaker: str = ""
    """Speaker of rows that name none."""
    licence: str = ""
    """Licence of rows whose source has none of its own."""


@dataclass(frozen=True)
class Utterance:
    """One sound file of a source, and what is known of it."""

    name: str
    """Where its sound lies in the source, made safe by `safe_name`; names its FLAC file."""
    text: str = ""
    """What is said, as the source has it; empty where unknown."""
    speaker: str = ""
    language: str = ""
    licence: str = ""
    synthetic: bool = False
    details: Mapping[str, str] = field(default_factory=dict)
    """Further columns to keep in a table beside the manifest."""


class Source(Protocol):
    """A collection that can be imported."""

    def utterances(self, reject: Reject) -> Iterator[Utterance]:
        """Yield what there is, tell `reject` of rows that are no use. Raises DataError where the source itself is none."""

    def state(self, name: str) -> str:
        """Return what changes when that sound does; called after `utterances`."""

    def sounds(self, wanted: Collection[str], scratch: Path, reject: Reject) -> Iterator[tuple[str, Path]]:
        """Yield (name, media file) of the wanted ones that are there; the file may be gone from the folder `scratch` with the next one."""


class OnDisk:
    """The half of a source whose sounds lie in files: `utterances` of the other half fills `paths`."""

    def __init__(self, path: Path, config: SourceConfig) -> None:
        self.path, self.config = Path(path), config
        self.paths: dict[str, Path] = {}
        """Media file of each name."""

    def state(self, name: str) -> str:
        try:
            stat = self.paths[name].stat()
        except OSError:
            return ""
        return f"{stat.st_size} {stat.st_mtime_ns}"

    def sounds(self, wanted: Collection[str], scratch: Path, reject: Reject) -> Iterator[tuple[str, Path]]:
        for name, path in self.paths.items():
            if name in wanted:
                yield name, path


def safe_name(where: str) -> str:
    """Return `where`, a path with / between folders, as one that stays below the folder it is put in.

    A hidden, overlong or undecodable part is mended, and told apart by a digest; the folders around it stay. Absolute paths and those
    with `..` leave their last part and a digest of the whole.
    """
    parts = [part for part in where.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or where.startswith("/"):
        return _mended("".join(parts[-1:]), where)
    return "/".join(part if _harmless(part) else _mended(part, part) for part in parts)


def _harmless(part: str) -> bool:
    return _plain(part) == part and part[0] != "." and len(part.encode()) <= NAME_BYTES


def _plain(part: str) -> str:
    """Return `part` without control characters, surrogates and backslashes."""
    return "".join(char for char in part if unicodedata.category(char) not in ("Cc", "Cs") and char != "\\")


def _mended(part: str, where: str) -> str:
    """Return `part` as a name that any folder takes, with a digest of `where`."""
    kept = _plain(part).lstrip(".").encode()[: NAME_BYTES - 9].decode("utf-8", "ignore")
    return f"{kept}-{hashlib.sha256(where.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def openable(where: str) -> bool:
    """Return whether `where` can name a file at all."""
    try:
        return bool(where) and b"\0" not in os.fsencode(where)
    except UnicodeEncodeError:
        return False
