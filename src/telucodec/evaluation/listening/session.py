"""What a listener hands in: one JSON file of a session, as the page wrote it. It comes by mail, so everything in it is checked."""

import codecs
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from telucodec.config import first_fault
from telucodec.errors import DataError
from telucodec.evaluation.listening.key import SCHEMA, Key, Method
from telucodec.evaluation.results import Row
from telucodec.files import fits_a_line, printable

MAX_BYTES = 4_000_000
"""A session of a thousand answers has some 200 kB."""

Score = Annotated[int, Field(strict=True, ge=0, le=100)]
Place = Annotated[int, Field(strict=True, ge=0)]
Words = Annotated[str, Field(max_length=100)]


class MushraAnswer(Row):
    """One screen of MUSHRA."""

    item: Place
    ratings: tuple[Score, ...]
    """Of each sound, in the key's order."""
    places: tuple[Place, ...]
    """The sounds in the order in which the screen showed them."""
    seconds: float = Field(ge=0)
    """Spent on the screen, pauses included."""


class AbxAnswer(Row):
    """One trial of ABX, of sounds in the key's numbers."""

    item: Place
    a: Place
    b: Place
    x: Place
    answer: Literal["a", "b"]
    seconds: float = Field(ge=0)

    @property
    def correct(self) -> bool:
        return self.x == (self.a if self.answer == "a" else self.b)


class Session(Row):
    """The whole file."""

    schema_version: Literal[SCHEMA]
    test: Words
    method: Method
    listener: Annotated[str, Field(min_length=1, max_length=200)]
    """The page takes 60 characters, before what composing them the usual way makes of them."""
    language: Literal["en", "te"]
    seed: Annotated[str, Field(max_length=300)]
    """What the page drew this listener's orders from: the test's own and the listener's name."""
    started: Words
    finished: Words
    answers: tuple[MushraAnswer | AbxAnswer, ...] = Field(max_length=10_000)

    @model_validator(mode="after")
    def _fit_to_print(self) -> "Session":
        if not fits_a_line(self.listener):
            raise ValueError("the listener's name holds control characters")
        return self


def read_sessions(paths: Sequence[Path], key: Key) -> list[Session]:
    """Read one session per file, each complete and of the test of `key`, in the order of listeners' names.

    Raises DataError, naming the file, for one that is missing, broken, unfinished, of another test, or a listener's second, whose name
    may be written in another way.
    """
    found: dict[str, tuple[Session, Path]] = {}
    for path in map(Path, paths):
        session = _read(path)
        if fault := _fault(session, key):
            raise DataError(f"{printable(path)}: {fault}")
        first, other = found.setdefault(_plain(session.listener), (session, path))
        if first is not session:
            raise DataError(f"{printable(path)}: is of listener {session.listener}, as is {printable(other)}; keep one of them")
    if not found:
        raise DataError("no results of listeners; pass the JSON files that the page saved")
    return sorted((session for session, _ in found.values()), key=lambda session: session.listener)


def _plain(name: str) -> str:
    """`name` as it reads: without case, white space and characters of format, in one form of Unicode."""
    letters = unicodedata.normalize("NFKC", name).casefold()
    return "".join(char for char in letters if not char.isspace() and unicodedata.category(char) != "Cf")


def _read(path: Path) -> Session:
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"{printable(path)}: cannot be read ({error.strerror}); pass the JSON file that the page saved") from error
    if len(content) > MAX_BYTES:
        raise DataError(f"{printable(path)}: is larger than any listener's results; pass the JSON file that the page saved")
    try:
        return Session.model_validate_json(content.removeprefix(codecs.BOM_UTF8))  # an editor may have put that mark in front
    except ValidationError as error:
        raise DataError(
            f"{printable(path)}: no results of a listening test ({first_fault(error)}); ask the listener to save again"
        ) from error


def _fault(session: Session, key: Key) -> str:
    """What keeps `session` from being one of the test of `key`, empty where nothing does."""
    if session.test != key.test:
        return f"is of test {printable(Path(session.test[:20]))!r}, the key is of {key.test}; pass the key written beside the page that was heard"
    return _mushra_fault(session, key) if key.method == "mushra" else _abx_fault(session, key)


def _mushra_fault(session: Session, key: Key) -> str:
    if session.method != "mushra" or not all(isinstance(answer, MushraAnswer) for answer in session.answers):
        return "does not hold MUSHRA ratings, as the key asks"
    if sorted(answer.item for answer in session.answers) != list(range(len(key.items))):
        return f"does not rate each of the {len(key.items)} clips once; only finished sessions count"
    for answer in session.answers:
        sounds = len(key.items[answer.item].sounds)
        if len(answer.ratings) != sounds or sorted(answer.places) != list(range(sounds)):
            return f"does not rate the {sounds} sounds of clip {answer.item + 1} once each; was the file edited?"
    return ""


def _abx_fault(session: Session, key: Key) -> str:
    if session.method != "abx" or not all(isinstance(answer, AbxAnswer) for answer in session.answers):
        return "does not hold ABX answers, as the key asks"
    wanted = sorted(
        (number, *sorted((item.sounds.index(key.against), other)))
        for number, item in enumerate(key.items)
        for other in range(len(item.sounds))
        if item.sounds[other] != key.against
        for _ in range(key.repeats)
    )
    if sorted((answer.item, *sorted((answer.a, answer.b))) for answer in session.answers) != wanted:
        return f"does not answer the {len(wanted)} trials of the test, each once; only finished sessions count"
    if any(answer.x not in (answer.a, answer.b) for answer in session.answers):
        return "has a trial whose X is neither A nor B; was the file edited?"
    return ""
