"""Whether an output is its original at another sample rate: played too fast or too slow.

The output is resampled back by each ratio of common rates; where it then lies over the original, that was it.
"""

import numpy as np
import soxr

from telucodec.metrics.alignment import align
from telucodec.metrics.metric import SAMPLE_RATE, NotMeasured

RATES = (8000, 11025, 22050, 24000, 32000, 44100, 48000)
"""Hz that a wave is taken for when it is of 16 kHz, or the other way round."""
SPEEDS = tuple(sorted({SAMPLE_RATE / rate for rate in RATES} | {rate / SAMPLE_RATE for rate in RATES} | {44100 / 48000, 48000 / 44100}))
HEARD_S = 3.0
"""Seconds of the original to compare."""
SHORTEST_S = 0.5
LONGEST_DELAY = 800
"""Samples; resampled by hand, files begin together but for a filter's delay."""


def find_speed(reference: np.ndarray, estimate: np.ndarray) -> tuple[float, float]:
    """Waves [T] -> the speed among SPEEDS at which the output is most like the original, and that correlation, 0 to 1.

    Above 1 the output plays too fast. Raises NotMeasured where nothing can be compared.
    """
    found = []
    for speed in SPEEDS:
        part = estimate[: round(HEARD_S * SAMPLE_RATE / speed)]
        try:
            restored = soxr.resample(part, 1.0, speed)
            size = min(len(restored), len(reference), round(HEARD_S * SAMPLE_RATE))
            if size >= SHORTEST_S * SAMPLE_RATE:
                found.append((abs(align(reference[:size], restored[:size], LONGEST_DELAY).correlation), speed))
        except NotMeasured:  # silence within that part
            continue
    if not found:
        raise NotMeasured("too short or too quiet to find its speed")
    correlation, speed = max(found)
    return speed, correlation
