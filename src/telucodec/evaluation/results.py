"""results.json: everything that was measured, with what it was measured on and by, and why for each hole.

A value that could not be computed is null and has its reason beside it in `holes`; a file that lacks one does not load.
"""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator

from telucodec.config import first_fault
from telucodec.errors import DataError
from telucodec.files import write_whole

SCHEMA = 1
"""Raised when a field changes its meaning or goes."""


class Row(BaseModel):
    """Frozen; unknown fields and NaN are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Number = Annotated[float, Field(ge=-1e12, le=1e12)]
Whole = Annotated[int, Field(ge=-(10**12), le=10**12)]
Energy = Annotated[float, Field(ge=0, le=1e24)]
"""Far beyond what can be measured, and sums of them are numbers still."""


class Trial(Row):
    """One contender on one clip."""

    contender: str
    clip: str
    group: str = ""
    """Clips of one group, a speaker of a manifest or a subfolder, are also summed up by themselves; empty where there are none."""
    language: str = ""
    """Clips of one language are, too; empty where unknown."""
    duration_s: Number
    num_bytes: Whole | None = None
    """Size of the coded clip, null where encoding failed."""
    num_payload_bytes: Whole | None = None
    """Of these, without header, checksums and index."""
    encode_s: Number | None = None
    """CPU seconds."""
    decode_s: Number | None = None
    """CPU seconds."""
    delay: Whole | None = None
    """Samples at 16 kHz by which the output is late, negative where early; null where it is like the original at no shift."""
    signal_energy: Energy | None = None
    """Sum of squares of the original, for pooling; null where nothing came back."""
    noise_energy: Energy | None = None
    """Sum of squares of the difference."""
    failure: str = ""
    """Why the codec did not do its work on this clip; empty where it did."""
    values: dict[str, Number | None] = Field(default_factory=dict)
    """Per metric."""
    holes: dict[str, str] = Field(default_factory=dict)
    """The reason for every null among the values."""

    @model_validator(mode="after")
    def _every_hole_has_a_reason(self) -> "Trial":
        if {name for name, value in self.values.items() if value is None} != {name for name, reason in self.holes.items() if reason}:
            raise ValueError("each null value needs a reason, and each reason a null value")
        return self

    @property
    def kbps(self) -> float | None:
        """Measured rate: 8 bits a byte, over the duration."""
        return None if self.num_bytes is None or self.duration_s <= 0 else 8 * self.num_bytes / self.duration_s / 1000


class ContenderRow(Row):
    """What was compared; see `evaluation.contender.Contender`."""

    name: str
    label: str
    family: str
    model: str = ""
    """Hash of what decides how the trained model sounds, the network of its mode included; empty for a baseline."""
    note: str = ""
    missing: str = ""
    """Why it could not be run at all, with the line that installs it."""
    library: str = ""
    """What did the work, with its version."""
    peak_mib: float | None = None
    """High-water mark of a process of its own that coded and decoded the longest clip; null where not measured."""
    idle_mib: float | None = None
    """Of these, before it met the clip."""
    memory_hole: str = ""
    """Why they are null."""


class MetricRow(Row):
    """How a metric reads; see `metrics.metric.Metric`."""

    name: str
    label: str
    unit: str
    digits: int = Field(ge=0, le=9)
    better: str
    about: str


class TestSetRow(Row):
    """What was listened to."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    name: str
    sha256: str
    num_clips: int


class Sample(Row):
    """Sound files of one clip, relative to the folder of results.json."""

    clip: str
    original: str
    decoded: dict[str, str]
    """Per contender that gave an output."""


class Made(Row):
    """How these results came about."""

    command: str
    date: str
    """ISO 8601, UTC."""
    machine: dict[str, str]
    versions: dict[str, str]
    """Of the packages that measure."""


class SpreadRow(Row):
    """A metric over clips, null where none was measured."""

    mean: float | None
    low: float | None
    """Ends of the 95 % bootstrap interval of the mean over clips: what other clips of these speakers might have given. Null for fewer than five."""
    high: float | None
    median: float | None
    least: float | None
    most: float | None
    num_measured: int
    holes: dict[str, int] = Field(default_factory=dict)
    """Why the other clips were not measured, with their numbers."""


class SummaryRow(Row):
    """A contender over all clips, or over those of one language or group; what `evaluation.summary` makes of the trials."""

    contender: str
    part: Literal["all", "language", "group"]
    name: str = ""
    """Of the language or group."""
    num_clips: int
    num_failed: int
    kbps: float | None
    """All bits over all seconds."""
    payload_kbps: float | None
    """The same without header, checksums and index."""
    times_smaller: float | None
    """Than 16-bit samples at 16 kHz."""
    pooled_snr_db: float | None
    pooled_snr_hole: str
    """Why that is null."""
    delay_ms: float | None
    cpu_s_per_s: float | None = Field(validation_alias=AliasChoices("cpu_s_per_s", "cpu_per_s"))
    """CPU seconds, encoding and decoding, for a second of sound; called by the second name in files from before it had that of reports."""
    metrics: dict[str, SpreadRow]


class Results(Row):
    """The whole file."""

    schema_version: Literal[SCHEMA] = SCHEMA
    made: Made
    test_set: TestSetRow
    contenders: tuple[ContenderRow, ...]
    metrics: tuple[MetricRow, ...]
    trials: tuple[Trial, ...]
    samples: tuple[Sample, ...] = ()
    summaries: tuple[SummaryRow, ...] = ()
    """For readers without telucodec: everything in them follows from the trials, which tables and reports are made of."""

    def of(self, contender: str) -> list[Trial]:
        """The trials of one contender, in the order of the test set."""
        return [trial for trial in self.trials if trial.contender == contender]


def write_results(path: Path, results: Results) -> None:
    """Write results.json, whole or not at all."""
    write_whole(Path(path), results.model_dump_json(indent=1).encode() + b"\n")


def read_results(path: Path) -> Results:
    """Read results.json. Raises DataError for a missing file, another schema, or holes without reasons."""
    try:
        return Results.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); run telucodec evaluate to make it") from error
    except ValidationError as error:
        raise DataError(f"{path}: not results of schema {SCHEMA} ({first_fault(error)}); run telucodec evaluate again") from error


def beside(results_path: Path, name: str) -> Path:
    """The sound file `name` below the folder of results. Raises DataError for one elsewhere: results may come from anyone, pages are passed on."""
    folder = Path(os.path.realpath(Path(results_path).parent))
    path = Path(os.path.realpath(folder / name.replace("\0", "")))
    if not path.is_relative_to(folder) or path.suffix != ".flac":
        raise DataError(f"{name}: not a FLAC file beside the results, so it is left out")
    return path
