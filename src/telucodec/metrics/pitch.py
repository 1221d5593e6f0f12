"""The pitch of a voice over time, by SwiftF0 (Nieradzik, arXiv:2508.18440), a small network that the package `swift-f0` ships.

Original and output are tracked by themselves, so an octave that it misses in one of them alone counts as the codec's. Of steady tones it is
right within 10 cents, by much the same amount for the same pitch: smaller differences than that still mean something.
"""

from collections.abc import Callable
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from telucodec.metrics.metric import SAMPLE_RATE, NotMeasured, require_length, require_sound
from telucodec.metrics.optional import optional

LOWEST_HZ, HIGHEST_HZ = 50.0, 600.0
"""Of speaking voices, children's included."""
VOICED = 0.5
"""Confidence from which a frame is voiced, by the package's own calibration."""
PEAK = 0.5
"""Largest magnitude that the original is brought to, the output by the same factor: the tracker takes what is below 0.001 for silence."""
SHORTEST_S = 0.3
"""Its network looks 0.18 s to either side."""
FEWEST_FRAMES = 10
"""Voiced ones, 0.16 s; of fewer there is no telling."""


class Contour(NamedTuple):
    """One value for each 16 ms, [F]."""

    frequency: np.ndarray
    """Hz; of no meaning where unvoiced."""
    voiced: np.ndarray
    """bool"""


def contours(reference: np.ndarray, estimate: np.ndarray) -> tuple[Contour, Contour]:
    """Waves [T] -> their pitch. Raises NotMeasured for silence, less than 0.3 s, or an original without a voice."""
    track = _tracker()
    require_sound("original", reference)
    require_sound("output", estimate)
    require_length(reference, SHORTEST_S)
    gain = PEAK / np.max(np.abs(reference))
    found = tuple(track((gain * wave).astype(np.float32).tobytes()) for wave in (reference, estimate))
    if found[0].voiced.sum() < FEWEST_FRAMES:
        raise NotMeasured("no voice was found in the original")
    return found


@cache
def _tracker() -> Callable[[bytes], Contour]:
    detector = optional("swift_f0").SwiftF0(threads=1, spin=False)

    @lru_cache(maxsize=4)  # two metrics ask for one pair, and every codec comes back to one original
    def track(samples: bytes) -> Contour:
        found = detector.detect(np.frombuffer(samples, np.float32), SAMPLE_RATE, LOWEST_HZ, HIGHEST_HZ)
        return Contour(found.pitch_hz, found.confidence >= VOICED)

    return track
