"""What `telucodec plan --json` found: lengths of training to choose from, each with its time and cost on the machine that was probed."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from telucodec.config import first_fault
from telucodec.errors import DataError


class PlanColumn(BaseModel):
    """One choice."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    name: str
    about: str
    updates: float
    heard_h: float
    passes: float
    wall_s: float
    cost: float | None
    verdict: str


class PlanRecord(BaseModel):
    """The choices; what else the file holds is not for the report."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    recipe: str = ""
    preset: str = ""
    price_per_hour: float | None = None
    columns: tuple[PlanColumn, ...]
    command: str = ""
    date: str = ""


def read_plan_record(path: Path | None) -> PlanRecord | None:
    """Read what plan printed; None for None. Raises DataError for a file that is missing or holds something else."""
    if path is None:
        return None
    try:
        return PlanRecord.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); make it with telucodec plan --json > plan.json") from error
    except ValidationError as error:
        raise DataError(f"{path}: not what telucodec plan --json prints ({first_fault(error)}); run it again") from error
