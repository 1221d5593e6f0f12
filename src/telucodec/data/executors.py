"""Who does the work, behind one face, `concurrent.futures.Executor`: processes of this machine, or a Dask cluster."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TypeVar

from telucodec import __version__
from telucodec.errors import TelucodecError
from telucodec.files import printable

ANSWER_S = 3
"""How long a scheduler may take to answer."""

MAX_CHUNK = 8
"""Things handed to a process at once; a message for each row of a large manifest would cost more than it."""

Thing = TypeVar("Thing")
Result = TypeVar("Result")


@contextmanager
def processes(jobs: int) -> Iterator[Executor]:
    """Yield a pool of `jobs` processes. They end at once when the block fails or is stopped, and when this process is killed.

    Raises TelucodecError where one of them is killed.
    """
    others = set(multiprocessing.active_children())
    # Spawned rather than forked: a fork copies a process whose threads may hold locks.
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), end_with_parent)
    try:
        yield pool
    except BrokenExecutor as error:
        raise TelucodecError("a process was killed, most likely for want of memory; run the same again with fewer jobs") from error
    finally:
        with _without_ctrl_c():  # a second one must not leave any behind
            # Before the end of a process tells its thread that it broke, which would trip over what was taken back.
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - others:
                process.kill()
                process.join()


def submit_all(executor: Executor, task: Callable, arguments: Sequence[tuple]) -> list[Future]:
    """Submit `task` with each of `arguments`. A process that starts here ignores Ctrl-C, which is for this one to handle."""
    resource_tracker.ensure_running()  # it would unblock the signal when started below
    with _without_ctrl_c():  # processes inherit what is blocked
        return [executor.submit(task, *each) for each in arguments]


def in_turn(work: Callable[[Thing], Result], things: Sequence[Thing], jobs: int) -> Iterator[Result]:
    """Yield work(thing) of each of `things`, in their order, with `jobs` processes, or here and now with one."""
    jobs = min(jobs, len(things))
    if jobs <= 1:
        yield from map(work, things)
        return
    with processes(jobs) as pool:
        resource_tracker.ensure_running()
        with _without_ctrl_c():
            results = pool.map(work, things, chunksize=max(1, min(MAX_CHUNK, len(things) // (8 * jobs))))
        yield from results


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Put Ctrl-C off until the block is done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent() -> None:
    """End this process when its parent does, however that ends; a pool alone would wait for work for ever."""

    def watch() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def cluster(address: str, folders: Sequence[Path]) -> Iterator[Executor]:
    """Yield the executor of the Dask scheduler at `address`, whose workers all see `folders`.

    When the block fails or is stopped, work that has not begun is taken back. Raises TelucodecError where Dask is not installed,
    the scheduler does not answer, it has no workers, one does not see a folder, or they are lost on the way.
    """
    try:
        from distributed import Client
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        raise TelucodecError('--cluster needs Dask; install it: pip install "telucodec[cluster]"') from error
    try:
        client = Client(address, timeout=ANSWER_S)
    except (OSError, ValueError) as error:
        raise TelucodecError(f"{address}: no Dask scheduler answers there; start one with `dask scheduler`, or mend the address") from error
    try:
        try:
            seen = client.run(_missing, [os.fsencode(folder) for folder in folders])
        except Exception as error:  # whatever went wrong over there
            raise TelucodecError(f"{address}: its workers cannot run telucodec {__version__} ({error}); install it there") from error
        if not seen:
            raise TelucodecError(f"{address}: has no workers; start some with `dask worker {address}`")
        for worker, missing in seen.items():
            if missing:
                folder = printable(Path(os.fsdecode(missing[0])))
                raise TelucodecError(f"{worker}: does not see {folder}; mount it there under the same path")
        with client.get_executor() as executor:
            try:
                yield executor
            except BaseException:
                executor.shutdown(wait=False)
                raise
    except (CommClosedError, KilledWorker, CancelledError) as error:
        raise TelucodecError(f"{address}: lost on the way ({error}); see to the cluster and run the same again to go on") from error
    finally:
        client.close()


def _missing(folders: list[bytes]) -> list[bytes]:
    return [folder for folder in folders if not os.path.isdir(folder)]
