"""Where numbers come from: the file, its hash, the command that made it and when, to be told beside every number of a page."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from telucodec.errors import DataError

UNKNOWN = "not told by the file"
SHOWN_DIGITS = 12
"""Of a hash where there is little room; the page's last table has all of them."""

DATE = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?(?:\+00:00|Z)")


@dataclass(frozen=True)
class Source:
    """A file that numbers were read from."""

    name: str
    sha256: str
    command: str = UNKNOWN
    date: str = UNKNOWN
    """ISO 8601, UTC."""

    def __str__(self) -> str:
        return f"From {self.name}, SHA-256 {self.sha256[:SHOWN_DIGITS]}, made {moment(self.date)} by: {self.command}"


def moment(date: str) -> str:
    """An ISO 8601 date in UTC for people, to the minute, followed by whatever was said of it."""
    return DATE.sub(r"\1 \2 UTC", date)


def source_of(path: Path, command: str = "", date: str = "") -> Source:
    """`path` as a source; where it does not tell a date itself, the one at which it was last changed. Raises DataError."""
    try:
        content, changed = Path(path).read_bytes(), Path(path).stat().st_mtime
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); leave it out, or make it again") from error
    told = date or f"{datetime.fromtimestamp(changed, UTC).isoformat(timespec='seconds')} (date of the file)"
    return Source(Path(path).name, hashlib.sha256(content).hexdigest(), command or UNKNOWN, told)
