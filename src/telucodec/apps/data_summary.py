"""What manifests hold, for the report: hours, speakers, languages and licences of each part."""

from dataclasses import dataclass
from pathlib import Path

from telucodec.apps.sources import Source, source_of
from telucodec.data.manifest import read_manifest
from telucodec.data.split import PARTS
from telucodec.data.stats import UNKNOWN, Stats, stats
from telucodec.errors import DataError

MAX_NAMES = 6
"""Of speakers and the like; the others are counted."""


@dataclass(frozen=True)
class Part:
    """One manifest."""

    name: str
    source: Source
    stats: Stats

    def names(self, group: str) -> str:
        """Of the sources, languages, licences or speakers, those with most hours."""
        found = list(self.stats.groups[group])
        shown = ", ".join(found[:MAX_NAMES])
        return f"{shown} and {len(found) - MAX_NAMES} more" if len(found) > MAX_NAMES else shown

    @property
    def num_speakers(self) -> int:
        """Those that are known."""
        return len(set(self.stats.groups["speaker"]) - {UNKNOWN})


def read_parts(folder: Path | None) -> tuple[Part, ...]:
    """train.csv, val.csv and test.csv in `folder`, those that are there. Raises DataError where none is, or one cannot be read."""
    if folder is None:
        return ()
    paths = {name: Path(folder) / f"{name}.csv" for name in PARTS}
    parts = tuple(Part(name, source_of(path), stats(read_manifest(path))) for name, path in paths.items() if path.exists())
    if not parts:
        raise DataError(f"{folder}: holds no {', '.join(path.name for path in paths.values())}; name the folder of manifests")
    return parts
