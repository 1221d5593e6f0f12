"""How much memory a codec takes: the high-water mark of a process of its own that codes one clip and decodes it.

The mark is the kernel's (VmHWM of /proc/self/status), so it counts what libraries take beside Python. Everything else in that process is the same for every codec;
what it had before it met the clip is told beside the peak. Programs that a codec starts are not counted.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from telucodec.data.executors import end_with_parent
from telucodec.errors import one_line
from telucodec.evaluation.clips import Clip
from telucodec.evaluation.contender import Contender
from telucodec.metrics.metric import NotMeasured

STATUS = Path("/proc/self/status")


class Memory(NamedTuple):
    """MiB, or null with a reason."""

    peak_mib: float | None = None
    idle_mib: float | None = None
    """Of these, before the clip: Python, its packages and the telucodec around every codec."""
    reason: str = ""


def peaks(contenders: Sequence[Contender], clip: Clip, jobs: int) -> list[Memory]:
    """Of each contender on `clip`; `jobs` processes at a time."""
    with ThreadPoolExecutor(max(1, jobs)) as threads:
        return list(threads.map(partial(_peak, clip=clip), contenders))


def _peak(contender: Contender, clip: Clip) -> Memory:
    if contender.missing:
        return Memory(reason=f"not available: {contender.missing}")
    try:
        with ProcessPoolExecutor(1, get_context("spawn"), end_with_parent) as fresh:
            idle_mib = fresh.submit(high_water_mib).result()
            return Memory(fresh.submit(_coded, contender, clip).result(), idle_mib)
    except BrokenProcessPool:
        return Memory(reason="its process died")
    except Exception as error:  # noqa: BLE001 - any codec may come here, and none may end the evaluation
        return Memory(reason=one_line(error) or type(error).__name__)


def _coded(contender: Contender, clip: Clip) -> float:
    contender.decode(contender.encode(clip.read()))
    return high_water_mib()


def high_water_mib() -> float:
    """The most memory this process has had. Raises NotMeasured where the kernel does not tell."""
    try:
        (line,) = [line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:")]
    except (OSError, ValueError):
        raise NotMeasured("this system does not tell the high-water mark of a process; Linux does") from None
    return int(line.split()[1]) / 1024
