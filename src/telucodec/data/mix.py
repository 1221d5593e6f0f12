"""A training mix by counts: so many rows of each source, such as 400 own, 500 from Common Voice and 200 synthetic.

A hash of each row and the seed decides, so a mix is the same on every machine, and adding data or asking for more changes it little.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping

from telucodec.counting import counted
from telucodec.data.manifest import Segment
from telucodec.errors import DataError


def mix(rows: Iterable[Segment], counts: Mapping[str, int], seed: int = 0) -> list[Segment]:
    """Return `counts[source]` rows of each source, in the order of the sources asked for. Raises DataError where there are too few."""
    by_source: dict[str, list[Segment]] = defaultdict(list)
    for row in rows:
        by_source[row.source].append(row)
    mixed = []
    for source, count in counts.items():
        found = by_source.get(source, [])
        if len(found) < count:
            there = ", ".join(f"{name or 'no name'} {len(rows)}" for name, rows in sorted(by_source.items()))
            raise DataError(
                f"{source}: {counted(count, 'row')} asked for, {len(found)} there; ask for less, or add data (rows by source: {there or 'none'})"
            )
        mixed += sorted(shuffled(found, seed)[:count], key=lambda row: (row.recording, row.start_s))
    return mixed


def shuffled(rows: Iterable[Segment], seed: int) -> list[Segment]:
    """Return `rows` in the order of a hash of each and the seed."""
    return sorted(rows, key=lambda row: hashlib.sha256(f"{seed} {row.recording} {row.start_s}".encode()).digest())
