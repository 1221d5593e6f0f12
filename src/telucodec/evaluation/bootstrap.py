"""How far a mean may be off because others might have been asked, or other clips taken: the percentile bootstrap.

Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.
"""

import math
from functools import lru_cache

import numpy as np

from telucodec.metrics.metric import Measured

RESAMPLES = 10_000
CONFIDENCE = 0.95
SEED = 1534
DRAWS_AT_ONCE = 1_000_000


def bootstrap_interval(values: np.ndarray) -> tuple[Measured, Measured]:
    """Ends of the 95 % interval of the mean of `values` [n], NaN for fewer than two.

    Always from the same random numbers, so that the same values give the same interval.
    """
    if len(values) < 2:
        hole = Measured(math.nan, "one value alone has no interval")
        return hole, hole
    low, high = _ends(tuple(map(float, values)))
    return Measured(low), Measured(high)


@lru_cache(maxsize=10_000)  # a report asks for each of its numbers several times
def _ends(values: tuple[float, ...]) -> tuple[float, float]:
    rng, drawn = np.random.default_rng(SEED), np.array(values)
    rows = max(1, DRAWS_AT_ONCE // len(drawn))
    sizes = [min(rows, RESAMPLES - start) for start in range(0, RESAMPLES, rows)]
    means = np.concatenate([drawn[rng.integers(0, len(drawn), (size, len(drawn)))].mean(axis=1) for size in sizes])
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)
