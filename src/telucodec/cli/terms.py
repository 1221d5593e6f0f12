"""What a build may take and an hour costs, as `build` and `report` are told, for the verdicts on time and cost."""

from typing import Annotated

import typer

from telucodec.apps.build_record import Terms
from telucodec.cli.finite import finite

Price = Annotated[float | None, typer.Option(min=0, callback=finite, help="Money for an hour of the machine that builds.")]
MinutesLimit = Annotated[
    float | None,
    typer.Option(
        min=0.01, callback=finite, help="Minutes that all of the build may take. The report says whether it was kept; nothing is stopped."
    ),
]
CostLimit = Annotated[float | None, typer.Option(min=0, callback=finite, help="Money that it may cost, judged by its time and --price.")]


def terms_of(price: float | None, minutes_limit: float | None, cost_limit: float | None) -> Terms:
    """The options in one."""
    time_s = None if minutes_limit is None else 60 * minutes_limit
    return Terms(price_per_hour=price, time_s=time_s, cost=cost_limit)
