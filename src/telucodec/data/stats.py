"""How much there is of what: rows and hours of each source, language, speaker and licence."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from telucodec.data.manifest import Segment

UNKNOWN = "unknown"
GROUPS = ("source", "language", "licence", "speaker")


@dataclass(frozen=True)
class Amount:
    """A number of rows and their duration."""

    rows: int
    duration_s: float


@dataclass(frozen=True)
class Stats:
    """What a manifest holds."""

    total: Amount
    synthetic: Amount
    with_text: Amount
    groups: dict[str, dict[str, Amount]]
    """By source, language, licence and speaker; the longest first."""


def stats(rows: Iterable[Segment]) -> Stats:
    """Count `rows`."""
    rows = list(rows)
    return Stats(
        total=_amount(rows),
        synthetic=_amount([row for row in rows if row.synthetic]),
        with_text=_amount([row for row in rows if row.text]),
        groups={group: _by(rows, group) for group in GROUPS},
    )


def _by(rows: list[Segment], column: str) -> dict[str, Amount]:
    groups: dict[str, list[Segment]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, column) or UNKNOWN].append(row)
    amounts = {name: _amount(rows) for name, rows in groups.items()}
    return dict(sorted(amounts.items(), key=lambda item: (-item[1].duration_s, item[0])))


def _amount(rows: list[Segment]) -> Amount:
    return Amount(len(rows), sum(row.duration_s for row in rows))
