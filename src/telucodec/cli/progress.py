"""A progress bar with the time left, on standard error, so that standard output stays clean for pipes."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from telucodec.progress import Progress


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Yield a callable that moves the bar. Silent where nobody watches a terminal."""
    console = Console(stderr=True)
    # Names of files are text, never markup.
    columns = [TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TextColumn("left"), TimeRemainingColumn()]
    columns += [TextColumn("spent"), TimeElapsedColumn(), TextColumn("{task.fields[name]}", markup=False)]
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None, name="")

        def progress(done: float, total: float, name: str) -> None:
            bar.update(task, completed=done, total=total if math.isfinite(total) else None, name=name)

        yield progress


def watched(windows: Iterable[np.ndarray], sample_rate: int, total_s: float, progress: Progress) -> Iterator[np.ndarray]:
    """Pass `windows` [1, T] through, telling `progress` how many of `total_s` seconds went by."""
    done_s = 0.0
    for window in windows:
        yield window
        done_s += window.shape[-1] / sample_rate
        progress(done_s, total_s, "")
