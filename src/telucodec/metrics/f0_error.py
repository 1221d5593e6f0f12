"""Error of the fundamental frequency: median over frames voiced in both waves of |1200 log2 of the ratio|, in cents.

The median, so that a few octave errors of the tracker do not rule it; 100 cents are a semitone. It takes 0.1 CPU seconds for 5 s, half
of it for the original, whose pitch is kept for the next codec and for the voicing error.
"""

import numpy as np

from telucodec.metrics.metric import Metric, NotMeasured
from telucodec.metrics.pitch import FEWEST_FRAMES, contours


def f0_error_cents(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Waves [T] -> cents. Raises NotMeasured where `contours` does or fewer than 10 frames are voiced in both."""
    ours, theirs = contours(reference, estimate)
    both = ours.voiced & theirs.voiced
    if both.sum() < FEWEST_FRAMES:
        raise NotMeasured("no voice was found in the output where the original has one")
    return float(np.median(np.abs(1200 * np.log2(theirs.frequency[both] / ours.frequency[both]))))


METRIC = Metric(
    "f0_error_cents",
    "Pitch error",
    "cents",
    1,
    "lower",
    "How far the voice's pitch is off where both have a voice, in hundredths of a semitone; the median over time.",
    f0_error_cents,
)
