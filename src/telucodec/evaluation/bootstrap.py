"""How far a mean may be off because others might have been asked, or other clips taken: the percentile bootstrap.

Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3; its tails made smaller for few values, which it takes for too
certain, as Hesterberg does (What Teachers Should Know about the Bootstrap, The American Statistician 69, 2015, section 4.1.3): the interval
grows as Student's does for a normal distribution, and stays within the scale of the values.
"""

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from telucodec.metrics.metric import Measured

RESAMPLES = 10_000
CONFIDENCE = 0.95
FEWEST = 5
"""Values; the mean lies between the least and the greatest of four in 88 % of cases at best, which no interval within them can mend."""
SEED = 1534
DRAWS_AT_ONCE = 1_000_000


def bootstrap_interval(values: np.ndarray) -> tuple[Measured, Measured]:
    """Ends of the 95 % interval of the mean of `values` [n], NaN for fewer than FEWEST.

    Always from the same random numbers, so that the same values give the same interval.
    """
    if len(values) < FEWEST:
        hole = Measured(math.nan, f"an interval takes {FEWEST} values, not {len(values)}")
        return hole, hole
    low, high = _ends(tuple(map(float, values)))
    return Measured(low), Measured(high)


@lru_cache(maxsize=10_000)  # a report asks for each of its numbers several times
def _ends(values: tuple[float, ...]) -> tuple[float, float]:
    rng, drawn = np.random.default_rng(SEED), np.array(values)
    rows = max(1, DRAWS_AT_ONCE // len(drawn))
    sizes = [min(rows, RESAMPLES - start) for start in range(0, RESAMPLES, rows)]
    means = np.concatenate([drawn[rng.integers(0, len(drawn), (size, len(drawn)))].mean(axis=1) for size in sizes])
    tail = 100 * _tail(len(drawn))
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)


def _tail(count: int) -> float:
    """Share of the means of `count` values to leave out at each end: 2.5 % of many, 0.1 % of five."""
    z, freedom = NormalDist().inv_cdf((1 + CONFIDENCE) / 2), count - 1
    # Student's quantile by its expansion (Abramowitz and Stegun, 26.7.5), within 0.3 % from 4 degrees of freedom on; SciPy may not be there.
    student = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    student += (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    return NormalDist().cdf(-math.sqrt(count / freedom) * student)
