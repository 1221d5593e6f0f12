"""Numbers that verbs take: one that is infinite, absurd or none at all would go through all the work and end in what nobody can read."""

import typer

MOST = 1e9
"""Minutes or money below it are still numbers in seconds, and times each other."""


def finite(given: float | list[float] | None) -> float | list[float] | None:
    """The check of an option: what it is given are finite numbers, none beyond MOST."""
    for number in given if isinstance(given, list) else [given]:
        if number is not None and not abs(number) <= MOST:
            raise typer.BadParameter(f"{number} is no length, price or level; give a finite number, at most {MOST:g}")
    return given
