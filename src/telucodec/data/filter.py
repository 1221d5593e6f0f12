"""What is worth learning from: rows in which the doctor finds nothing that spoils training; each other one with reasons and remedies."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from pydantic import Field, ValidationError, field_validator

from telucodec.config import first_fault
from telucodec.data.doctor import CASES, Diagnosis, DoctorConfig, Finding, examine_sounds, in_order, rows_as_sounds
from telucodec.data.manifest import COLUMNS, Segment
from telucodec.errors import DataError
from telucodec.files import write_table
from telucodec.progress import Progress, untold


class FilterConfig(DoctorConfig):
    """The doctor's thresholds, one more, and the cases that do not cost a row its place."""

    max_clipped_share: float = Field(0.01, ge=0, le=1)
    """Share of samples at full scale, whether in runs or not."""
    max_padding_share: float = 1.0
    """None, whatever the segments: how long rows must be is for `min_duration_s` alone to say."""
    keep: tuple[str, ...] = ("hum", "DC offset", "dead channel")
    """Cases that are told, but keep their place: hum and offset are steady, cost few bits, and can be filtered out without a new recording;
    with a dead channel the other is heard 6 dB weaker, no more."""

    @field_validator("keep")
    @classmethod
    def _are_cases(cls, keep: tuple[str, ...]) -> tuple[str, ...]:
        for case in keep:
            if case not in CASES or case == "unreadable":
                raise ValueError(f"{case!r} is not one of {', '.join(CASES[1:])}")
        return keep


def filter_config(settings: dict[str, object], where: str) -> FilterConfig:
    """Return the config with `settings`, which come from `where`. Raises DataError for an unknown name or a value that is none."""
    for name in settings:
        if name not in FilterConfig.model_fields:
            raise DataError(f"{where}: {name} is no threshold; choose from {', '.join(FilterConfig.model_fields)}")
    try:
        return FilterConfig(**settings)
    except ValidationError as error:
        raise DataError(f"{where}: {first_fault(error)}; mend it") from error


@dataclass(frozen=True)
class Verdict:
    """One row, and what was found in it."""

    row: Segment
    against: tuple[Finding, ...]
    """Why it is turned away, the worst first; nothing where it is kept."""
    spared: tuple[Finding, ...]
    """What was found and does not count against it."""

    @property
    def reasons(self) -> str:
        """In words, each with the measured value, the threshold and a remedy."""
        return "; ".join(map(str, self.against))

    def __str__(self) -> str:
        end_s = self.row.start_s + self.row.duration_s
        return f"{self.row.recording}, {self.row.start_s:.1f} to {end_s:.1f} s: {self.reasons}"


@dataclass(frozen=True)
class Sifted:
    """The verdicts on all rows, in their order."""

    verdicts: tuple[Verdict, ...]

    @property
    def kept(self) -> list[Segment]:
        return [verdict.row for verdict in self.verdicts if not verdict.against]

    @property
    def rejected(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.against]

    def amounts(self, spared: bool = False) -> dict[str, tuple[int, float]]:
        """Rows and hours turned away for each case, or found and spared; the most frequent first. A row may count in several."""
        amounts: dict[str, tuple[int, float]] = {}
        for verdict in self.verdicts:
            for case in dict.fromkeys(finding.case for finding in (verdict.spared if spared else verdict.against)):
                rows, hours = amounts.get(case, (0, 0.0))
                amounts[case] = (rows + 1, hours + hours_of([verdict.row]))
        return dict(sorted(amounts.items(), key=lambda item: (-item[1][0], CASES.index(item[0]))))


def hours_of(rows: Sequence[Segment]) -> float:
    """Return how many hours `rows` state; one that states none counts nothing."""
    return sum(row.duration_s for row in rows if math.isfinite(row.duration_s)) / 3600


def sift(
    rows: Sequence[Segment],
    root: Path,
    config: FilterConfig = FilterConfig(),
    jobs: int = 1,
    progress: Progress = untold,
) -> Sifted:
    """Judge `rows`, whose files lie below `root`, with `jobs` processes."""
    checkup = examine_sounds(rows_as_sounds(rows, root), config, jobs, progress, frozenset(config.keep))
    return Sifted(tuple(_verdict(diagnosis, config) for diagnosis in checkup.diagnoses))


def _verdict(diagnosis: Diagnosis, config: FilterConfig) -> Verdict:
    found = in_order([*diagnosis.findings, *_beyond_the_doctor(diagnosis, config)])
    against = tuple(finding for finding in found if finding.case not in config.keep)
    return Verdict(diagnosis.sound.row, against, tuple(finding for finding in found if finding.case in config.keep))


def _beyond_the_doctor(diagnosis: Diagnosis, config: FilterConfig) -> Iterator[Finding]:
    m = diagnosis.measures
    if m and m.clipped_share > config.max_clipped_share and not any(finding.case == "clipped" for finding in diagnosis.findings):
        yield Finding(
            "clipped",
            f"{100 * m.clipped_share:.3g} % of samples at full scale",
            f"at most {100 * config.max_clipped_share:g} %",
            "record again with less gain, or leave it out",
        )


def write_rejected(path: Path, rejected: Sequence[Verdict]) -> None:
    """Write the rows of `rejected` with their reasons to the CSV file `path`, which is a manifest too."""
    write_table(path, [*COLUMNS, "reasons"], ([*astuple(verdict.row), verdict.reasons] for verdict in rejected))
