"""Clicks at equal distances, as where segments were decoded one by one and put together: jumps of the error far above those around them.

A seam that the error passes without a jump is not found.
"""

from typing import NamedTuple

import numpy as np

JUMP = 8.0
"""Times the mean step of the error around it."""
AROUND = 320
"""Samples, 20 ms."""
SHORTEST_PERIOD = 640
"""Samples; below lie pitch periods and the frames of codecs."""
FEWEST = 4
"""Clicks; fewer at equal distances are chance."""
SHARE = 0.6
"""Of the places on the grid that click, and of the clicks that are on the grid."""


class Clicks(NamedTuple):
    """A grid of clicks; none where `count` is 0."""

    period: int
    """Samples from one to the next."""
    count: int


def find_clicks(reference: np.ndarray, estimate: np.ndarray) -> Clicks:
    """Waves [T] -> clicks on a grid in their difference."""
    steps = np.abs(np.diff(estimate - reference))
    if len(steps) < FEWEST * SHORTEST_PERIOD:
        return Clicks(0, 0)
    sums = np.concatenate([[0.0], np.cumsum(steps)])
    begin, end = np.maximum(np.arange(len(steps)) - AROUND, 0), np.minimum(np.arange(len(steps)) + AROUND + 1, len(steps))
    around = (sums[end] - sums[begin] - steps) / (end - begin - 1)
    # In pauses any rounding is far above nothing, so a click must also count against the error as a whole.
    (places,) = np.nonzero((steps > JUMP * around) & (steps > JUMP * steps.mean() / 4))
    places = places[np.concatenate([[True], np.diff(places) > 2])] if len(places) else places
    best = Clicks(0, 0)
    if len(places) < FEWEST:
        return best
    gaps = np.diff(places)
    for period in sorted({int(gap) for gap in gaps if gap >= SHORTEST_PERIOD}):
        rest = (places - places[np.argmax(gaps == period)] + period // 2) % period - period // 2
        on_grid = int(np.sum(np.abs(rest) <= 1))
        if on_grid >= max(FEWEST, SHARE * len(places), SHARE * (len(steps) // period)) and on_grid > best.count:
            best = Clicks(period, on_grid)
    return best
