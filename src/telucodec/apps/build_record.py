"""build.json: what a build did on the way to its model. Any of it may be missing, and the report says so."""

import math
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from telucodec.config import first_fault
from telucodec.errors import DataError

SHIPPED = "shipped"
"""What `data` calls the model where it is the one that ships, and nothing in it was learned from the recordings."""


MOST = 1e12
"""Far beyond any seconds and money, and sums and products of them are numbers still."""
Amount = Annotated[float, Field(ge=0, le=MOST)]


class Terms(BaseModel):
    """What the owner of the project allowed and pays, for the verdicts on time and cost; money is in any one currency."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    price_per_hour: Amount | None = None
    """Of the machine that builds."""
    time_s: Amount | None = None
    """What the build may take at most."""
    cost: Amount | None = None
    """What it may cost at most."""

    def changed_by(self, given: "Terms") -> "Terms":
        """These terms, but for those that are `given`."""
        return self.model_copy(update=given.model_dump(exclude_none=True))


NO_TERMS = Terms()


class BuildRecord(BaseModel):
    """Any field may be missing, if not all that a build found; what else the file holds is not for the report."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    data: dict[str, str | int | float] = {}
    """Summary of the data and of the model's choice, in the words and order to show: {"hours of speech": 1.25, "speakers": 3}."""
    seconds: dict[str, Amount] = {}
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
    terms: Terms = NO_TERMS
    command: str = ""
    """What the user typed."""
    date: str = ""
    """ISO 8601, UTC."""

    def spent_s(self) -> float:
        """What all steps took; NaN where no step is told."""
        return sum(self.seconds.values()) if self.seconds else math.nan

    def cost(self) -> float:
        """What the time cost; NaN without a time or a price."""
        return math.nan if self.terms.price_per_hour is None else self.spent_s() / 3600 * self.terms.price_per_hour


def read_build_record(path: Path | None) -> BuildRecord:
    """Read build.json; an empty record for None. Raises DataError for a file that is missing or holds something else."""
    if path is None:
        return BuildRecord()
    try:
        record = BuildRecord.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); leave it out, or build again") from error
    except ValidationError as error:
        raise DataError(f"{path}: not a build record ({first_fault(error)}); build again") from error
    if not record.model_fields_set - {"command", "date"}:  # which other files tell of themselves too
        raise DataError(f"{path}: not a build record, it tells of no build; name the build.json of one, or build again")
    return record
