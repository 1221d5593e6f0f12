"""A line that loses packets in bursts: the two-state Markov model of Gilbert (1960) and Elliott (1963), good and bad, bad losing everything."""

from collections.abc import Iterator

import numpy as np


def losses(share: float, burst: float, seed: int) -> Iterator[bool]:
    """Whether each packet in turn is lost: `share` of all, in bursts of `burst` packets in the mean.

    Raises ValueError for shares and bursts that no such line has.
    """
    if not 0 <= share < 1 or not burst >= 1 or share / (1 - share) > burst:
        raise ValueError("a line loses a share from 0 to below 1, in bursts of 1 packet or more, longer ones where more is lost")
    return _walk(share / (1 - share) / burst, 1 / burst, share, np.random.default_rng(seed))


def _walk(worsening: float, mending: float, share: float, rng: np.random.Generator) -> Iterator[bool]:
    bad = rng.random() < share
    while True:
        yield bool(bad)
        bad = rng.random() >= mending if bad else rng.random() < worsening
