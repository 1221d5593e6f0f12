"""What a peer is: a codec others made, at each of its rates a contender, and the reason where it cannot run here."""

from collections.abc import Callable
from dataclasses import dataclass

from telucodec.errors import TelucodecError
from telucodec.evaluation.contender import Contender


@dataclass(frozen=True)
class Peer:
    """A codec on the shelf."""

    name: str
    """The word for it on the command line, and the first part of its contenders' names."""
    label: str
    """Name in tables, and family in plots."""
    kbps: tuple[float, ...]
    """Its own rates, rising."""
    at: Callable[[float], Contender]
    """One of its rates, N -> the codec at that rate: a name that ends in _N, a label with "N kbps", the family `label`, and a note."""
    require: Callable[[], object] = lambda: None
    """Raises TelucodecError, with the line that installs it, where what the peer runs on is missing."""

    def missing(self) -> str:
        """Why it cannot run here; empty where it can."""
        try:
            self.require()
        except TelucodecError as error:
            return str(error)
        return ""

    def absent(self, reason: str) -> Contender:
        """The peer as one row that says why it is not there."""
        return Contender(self.name, self.label, self.label, _never, _never, missing=reason)


def _never(_) -> None:
    raise AssertionError("a codec that is missing was run")
