"""Extended STOI (Jensen and Taal, IEEE/ACM TASLP 2016): intelligibility where noise comes and goes, about 0 to 1, by the `pystoi` package.

The package adds random numbers of 2e-16 to the bands before it normalises them. They decide where a band of the output does not move at
all, as in digital silence: with a quarter of the output muted, draws differ by 0.003. Here they are always the same, and a silent output,
of which they would be the whole score, has none. It takes 0.05 CPU seconds for 5 s.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from telucodec.metrics.metric import Metric, require_sound
from telucodec.metrics.stoi import ALONE, by_pystoi

SEED = 2016


def estoi(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Waves [T] -> score. Raises NotMeasured for silence or too little speech."""
    require_sound("output", estimate)
    with ALONE, _numpy_seeded(SEED):
        return by_pystoi(reference, estimate, extended=True)


@contextmanager
def _numpy_seeded(seed: int) -> Iterator[None]:
    """numpy's global generator, which the package draws from, seeded within and as it was after."""
    before = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)


METRIC = Metric(
    "estoi",
    "ESTOI",
    "",
    2,
    "higher",
    "Predicted share of speech that is understood, stricter than STOI where disturbances come and go, about 0 to 1.",
    estoi,
)
