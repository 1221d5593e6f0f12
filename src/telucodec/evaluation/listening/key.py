"""The key of a listening test: which sound was which. It stays with whoever made the test; the page holds numbers only."""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from telucodec.config import first_fault
from telucodec.errors import DataError
from telucodec.evaluation.results import Made, Row
from telucodec.files import write_whole

SCHEMA = 1
"""Raised when a field of a key or of a session changes its meaning or goes."""

Method = Literal["mushra", "abx"]
Role = Literal["system", "reference", "low anchor", "mid anchor"]


class KeySystem(Row):
    """Something that was listened to."""

    name: str
    label: str
    role: Role
    kbps: float | None = None
    """Measured on the clips of this test; null where nothing was measured, as for reference and anchors."""


class KeyItem(Row):
    """One clip."""

    clip: str
    sounds: tuple[str, ...]
    """Names of systems, in the order in which the page numbers its sounds from 0."""
    gains_db: tuple[float, ...]
    """What each was turned up by to match the reference's level."""
    headroom_db: float = 0.0
    """What all of them, the reference included, were turned down by so that none clips."""


class Key(Row):
    """The whole file."""

    schema_version: Literal[SCHEMA] = SCHEMA
    test: str = Field(pattern=r"^[0-9a-f]{12}$")
    """Identity of the page: of its sounds, method and seed."""
    method: Method
    seed: int
    made: Made
    systems: tuple[KeySystem, ...]
    items: tuple[KeyItem, ...]
    against: str = ""
    """ABX: what every other system is compared with."""
    repeats: int = Field(default=1, ge=1)
    """ABX: trials of each pair and clip."""

    @model_validator(mode="after")
    def _names_agree(self) -> "Key":
        names = {system.name for system in self.systems}
        if len(names) < len(self.systems):
            raise ValueError("two systems share a name")
        if any(set(item.sounds) != names or len(item.sounds) != len(names) for item in self.items):
            raise ValueError("every item must hold each system once")
        if (self.method == "abx") != (self.against in names):
            raise ValueError("ABX needs a system to compare with, MUSHRA none")
        if self.method == "mushra" and self.named("reference") is None:
            raise ValueError("MUSHRA needs a hidden reference")
        return self

    def named(self, role: Role) -> str | None:
        """The system of that role, None where the test has none."""
        return next((system.name for system in self.systems if system.role == role), None)


def write_key(path: Path, key: Key) -> None:
    """Write the key, whole or not at all."""
    write_whole(Path(path), key.model_dump_json(indent=1).encode() + b"\n")


def read_key(path: Path) -> Key:
    """Read a key. Raises DataError for a missing file or one that is no key."""
    try:
        return Key.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); it was written beside the page by telucodec listening-test make"
        ) from error
    except ValidationError as error:
        raise DataError(f"{path}: no key of a listening test ({first_fault(error)}); pass the .key.json written beside the page") from error
