"""What a plain installation leaves out: one line that says how to get it, where it would be a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

from telucodec.errors import TelucodecError


@contextmanager
def needing(extras: str) -> Iterator[None]:
    """Do what imports packages of the `extras` of pyproject.toml. Raises TelucodecError where one is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise TelucodecError(f'{error.name} is not installed; pip install "telucodec[{extras}]"') from error
