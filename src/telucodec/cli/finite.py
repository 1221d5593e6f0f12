"""Numbers that verbs take: one that is infinite or none at all would go through all the work and end in what nobody can read."""

import math

import typer


def finite(given: float | list[float] | None) -> float | list[float] | None:
    """The check of an option: what it is given are finite numbers."""
    for number in given if isinstance(given, list) else [given]:
        if number is not None and not math.isfinite(number):
            raise typer.BadParameter(f"{number} is no length, price or level; give a finite number")
    return given
