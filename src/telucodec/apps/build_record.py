"""build.json: what a build did on the way to its model. Any of it may be missing, and the report says so."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from telucodec.errors import DataError


class Limits(BaseModel):
    """What the owner of the project allowed, for the verdicts on time and cost."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    time_s: float | None = None
    cost: float | None = None
    """In the currency of `BuildRecord.currency`."""


class BuildRecord(BaseModel):
    """Every field may be missing; what else the file holds is not for the report."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    data: dict[str, str | int | float] = {}
    """Summary of the data and of the model's choice, in the words and order to show: {"hours of speech": 1.25, "speakers": 3}."""
    seconds: dict[str, float] = {}
    """Wall-clock seconds of each step."""
    leaks: tuple[str, ...] | None = None
    """A sentence for each thing that test has, or may have, in common with train or val; null where nobody looked."""
    remarks: tuple[str, ...] = ()
    """A sentence for each other thing to know of how the data was shared out."""
    unreadable: tuple[str, ...] = ()
    """A line for each media file that could not be used."""
    rejected: tuple[str, ...] = ()
    """A line for each segment that was turned away."""
    defects: dict[str, int] | None = None
    """Segments in which each defect was found, those that were kept all the same counted in; null where nobody looked."""
    limits: Limits = Limits()
    cost: float | None = None
    """What the build cost; null where nobody counted."""
    currency: str = ""
    command: str = ""
    """What the user typed."""
    date: str = ""
    """ISO 8601, UTC."""


def read_build_record(path: Path | None) -> BuildRecord:
    """Read build.json; an empty record for None. Raises DataError for a file that is missing or holds something else."""
    if path is None:
        return BuildRecord()
    try:
        return BuildRecord.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); leave it out, or build again") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(f"{path}: not a build record (at {'.'.join(map(str, first['loc']))}: {first['msg']}); build again") from error
