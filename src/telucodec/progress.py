"""How work that takes a while tells how far it has come, to a bar or to nobody."""

from collections.abc import Callable

Progress = Callable[[float, float, str], None]
"""progress(done, total, name), in a unit that suits the work, such as seconds or rows; a `total` of NaN is not known, `name` is at hand or last done."""


def untold(done: float, total: float, name: str) -> None:
    """Progress that nobody is told of."""
