"""The same function for one thing after the other, in this process or shared out to several."""

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")

MAX_CHUNK = 8
"""Things handed to a process at once; a message for each row of a large manifest would cost more than it."""


def in_turn(work: Callable[[Thing], Result], things: Sequence[Thing], jobs: int) -> Iterator[Result]:
    """Yield work(thing) of each of `things`, in their order, with `jobs` processes."""
    jobs = min(jobs, len(things))
    if jobs <= 1:
        yield from map(work, things)
        return
    # Spawned rather than forked: a fork copies a process whose threads may hold locks.
    with ProcessPoolExecutor(jobs, get_context("spawn"), _start_worker) as pool:
        yield from pool.map(work, things, chunksize=max(1, min(MAX_CHUNK, len(things) // (8 * jobs))))


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback; the first process tells the user
