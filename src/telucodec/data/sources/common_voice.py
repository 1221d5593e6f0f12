"""A Common Voice release of any language, https://commonvoice.mozilla.org: the archive as it was downloaded, or the folder unpacked from it.

A release holds cv-corpus-*/te/clips/*.mp3 and beside clips/ a table for each part: validated.tsv, train.tsv and so on. Their cells are
never quoted. The archive is only ever read as a stream: once up to the tables, which usually come first, and once for the clips; a clip
is on disk alone, under a name of our own, until its FLAC is written. Names in an archive or a table are never used as places to write to.
"""

import os
import tarfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from telucodec.data.sources.source import OnDisk, Reject, SourceConfig, Utterance, safe_name
from telucodec.errors import DataError
from telucodec.files import printable, write_whole

PARTS = ("validated", "train", "dev", "test", "other")
LICENCE = "CC0-1.0"
NEEDED = ("client_id", "path", "sentence")
MAX_CLIP_BYTES = 64 << 20
"""Clips are seconds long; what is larger is none."""
MAX_LINE_BYTES = 1 << 20
"""A row takes hundreds of bytes; a hostile table must not fill the memory with one."""

MAX_READS_BEYOND = 16
"""Times that an archive is read beyond its end. One that is whole needs a few; a header that claims what is not there, one for every 10 kB."""


def common_voice(path: Path, config: SourceConfig) -> "_Folder | _Archive":
    """Open the release at `path`. Raises DataError for a part that no release has."""
    unknown = [part for part in config.parts if part not in PARTS]
    if unknown or not config.parts:
        raise DataError(f"{', '.join(unknown) or 'nothing'}: no part of a Common Voice release; choose from {', '.join(PARTS)}")
    return _Folder(Path(path), config) if os.path.isdir(path) else _Archive(Path(path), config)


class _Folder(OnDisk):
    """An unpacked release, or the folder of one language in it."""

    def utterances(self, reject: Reject) -> Iterator[Utterance]:
        found = set()
        for part in self.config.parts:
            for depth in ("", "*/", "*/*/"):
                for place in sorted(self.path.glob(f"{depth}{part}.tsv")):
                    found.add(part)
                    with _opened_table(place) as table:
                        for utterance, clip in _read_part(table, part, place.parent.name, self.config, reject):
                            self.paths.setdefault(utterance.name, place.parent / "clips" / clip)
                            yield utterance
        _tell_missing(self.path, self.config.parts, found, reject)


def _opened_table(path: Path) -> BinaryIO:
    try:
        return open(path, "rb")
    except OSError as error:
        raise DataError(f"{printable(path)}: cannot be read ({error.strerror}); check what it is and who may read it") from error


class _Archive:
    """A release as it was downloaded: .tar.gz, or .tar with any other compression that Python knows."""

    def __init__(self, path: Path, config: SourceConfig) -> None:
        self.path, self.config = path, config
        self.names: dict[str, str] = {}
        """Name of the utterance of each clip, by where the clip lies in the archive."""

    def utterances(self, reject: Reject) -> Iterator[Utterance]:
        found: dict[PurePosixPath, set[str]] = {}
        with self._opened() as archive:
            for member, where in _files(archive):
                if where.suffix != ".tsv" or where.stem not in self.config.parts:
                    continue
                home, in_language = where.parent, False
                with archive.extractfile(member) as table:
                    for utterance, clip in _read_part(table, where.stem, home.name, self.config, reject):
                        in_language = True
                        self.names.setdefault(str(home / "clips" / clip), utterance.name)
                        yield utterance
                found.setdefault(home, set()).add(where.stem)
                if (in_language or not self.config.language) and found[home] == set(self.config.parts):
                    return  # A release is of one language: no need to read on.
        _tell_missing(self.path, self.config.parts, set().union(*found.values()), reject)

    def state(self, name: str) -> str:
        stat = self.path.stat()
        return f"{stat.st_size} {stat.st_mtime_ns}"

    def sounds(self, wanted: Collection[str], scratch: Path, reject: Reject) -> Iterator[tuple[str, Path]]:
        left, place = set(wanted), scratch / "clip.mp3"
        try:
            with self._opened() as archive:
                for member, where in _files(archive, reject):
                    name = self.names.get(str(where))
                    if name not in left:
                        continue
                    left.remove(name)
                    if member.size > MAX_CLIP_BYTES:
                        reject(name, f"is {member.size:,} bytes in the archive, more than any clip; check the archive")
                        continue
                    with archive.extractfile(member) as clip:
                        content = clip.read()
                    write_whole(place, content)
                    yield name, place
                    if not left:
                        return
        except DataError as error:
            reject(self.path.name, str(error))

    @contextmanager
    def _opened(self) -> Iterator[tarfile.TarFile]:
        try:
            with open(self.path, "rb") as file, tarfile.open(fileobj=_Ending(file), mode="r|*") as archive:
                yield archive
        except FileNotFoundError as error:
            raise DataError(f"{self.path}: no such file or folder; check its name") from error
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            raise DataError(f"{self.path}: is no archive, or breaks off ({error}); download it again") from error


class _Ending:
    """A file with an end: tarfile passes over what a header claims, a thousand times the file if need be, by reading on."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._num_beyond = file, 0

    def read(self, size: int) -> bytes:
        found = self._file.read(size)
        self._num_beyond += not found
        if self._num_beyond > MAX_READS_BEYOND:
            raise EOFError("it ends before what it says it holds")
        return found


def _files(archive: tarfile.TarFile, reject: Reject = lambda which, why: None) -> Iterator[tuple[tarfile.TarInfo, PurePosixPath]]:
    """Yield the plain files of `archive` in its order; tell of links, devices and names that lead elsewhere, and pass them over."""
    while member := archive.next():
        archive.members.clear()  # else every header ever read stays in memory
        where = PurePosixPath(member.name)
        if where.is_absolute() or ".." in where.parts:
            reject(printable(member.name), "its name leads out of the archive, left alone; check where the archive is from")
        elif member.isreg():
            yield member, where
        elif not member.isdir():
            reject(printable(member.name), "is a link or device, left alone; a release holds plain files only")


def _read_part(table: BinaryIO, part: str, folder: str, config: SourceConfig, reject: Reject) -> Iterator[tuple[Utterance, str]]:
    """Yield the utterances of a table, whose folder is named after the language, each with the file name of its clip."""
    columns: list[str] = []
    for number, line in enumerate(iter(partial(table.readline, MAX_LINE_BYTES), b""), 1):
        at = f"{part}.tsv, line {number}"
        try:
            cells = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n").split("\t")
        except UnicodeDecodeError as error:
            reject(at, f"is not UTF-8 ({error.reason})")
            continue
        if number == 1:
            columns = cells
            if missing := [column for column in NEEDED if column not in columns]:
                reject(f"{part}.tsv", f"lacks the column {', '.join(missing)}; is this a table of Common Voice?")
                return
            continue
        row = dict(zip(columns, cells, strict=False))
        clip = row.get("path", "")
        if len(cells) != len(columns):
            reject(at, f"has {len(cells)} cells where the heading has {len(columns)}")
        elif not clip or clip.startswith(".") or PurePosixPath(clip).name != clip or not clip.isprintable() or "\\" in clip:
            reject(at, f"{clip!r} is no name of a clip")
        elif not row["sentence"].strip():
            reject(at, f"{clip} has no sentence")
        else:
            clip = clip if PurePosixPath(clip).suffix else f"{clip}.mp3"
            language = row.get("locale") or folder
            if config.language in ("", language):
                details = {name: value for name, value in row.items() if name not in ("path", "sentence")} | {"part": part}
                name = safe_name(f"{language}/{clip}")
                yield Utterance(name, row["sentence"], row["client_id"], language, LICENCE, details=details), clip


def _tell_missing(path: Path, parts: Iterable[str], found: set[str], reject: Reject) -> None:
    """Tell of each of `parts` that was not found; raise DataError where none was."""
    if not found:
        tables = " or ".join(f"{part}.tsv" for part in parts)
        raise DataError(f"{path}: holds no {tables}; give a Common Voice release, as downloaded or unpacked")
    for part in parts:
        if part not in found:
            reject(f"{part}.tsv", "is not in the release")
