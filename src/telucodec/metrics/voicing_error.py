"""Voicing decision error (Nakatani et al., Speech Communication 50, 2008): per cent of frames that are voiced in one wave and not in the other.

Of all frames of 16 ms, pauses included. A whispering or buzzing codec shows here. It takes 0.1 CPU seconds for 5 s, shared with the pitch error.
"""

import numpy as np

from telucodec.metrics.metric import Metric
from telucodec.metrics.pitch import contours


def voicing_error_percent(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Waves [T] -> per cent. Raises NotMeasured where `contours` does."""
    ours, theirs = contours(reference, estimate)
    return 100 * float(np.mean(ours.voiced != theirs.voiced))


METRIC = Metric(
    "voicing_error_percent",
    "Voicing error",
    "%",
    1,
    "lower",
    "Share of the time in which one of original and output has a voice and the other has none.",
    voicing_error_percent,
)
