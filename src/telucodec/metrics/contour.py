"""Whether the spectrum of an output moves with its original's, whatever became of the waveform, -1 to 1.

Correlation over time of the levels in 12 bands, each without its mean. A parametric or neural codec that makes a waveform of its own has
a waveform correlation near 0 and follows here; output that has nothing to do with the input does not.
"""

import math

import numpy as np

from telucodec.metrics.metric import NotMeasured, require_finite, require_sound

FRAME = 512
"""Samples, 32 ms; frames overlap by half."""
EDGES = np.array([2, 4, 6, 9, 13, 18, 25, 34, 46, 64, 96, 160, 256])
"""Bins of 31 Hz that bound the bands: 60 Hz to 8 kHz, wider with frequency as hearing is."""
FLOOR_DB = -50.0
"""Below the loudest band and frame: what is quieter counts as pause."""
FEWEST_FRAMES = 25
"""0.4 s."""


def contour_correlation(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Waves [T] -> -1 to 1. Raises NotMeasured for silence, under 0.4 s, or a level that never moves."""
    require_finite(reference, estimate)
    require_sound("original", reference)
    require_sound("output", estimate)
    x, y = _contours(reference), _contours(estimate)
    if x.shape[-1] < FEWEST_FRAMES:
        raise NotMeasured("too short to see its spectrum move: 0.4 s are needed")
    power = float(np.sum(x * x) * np.sum(y * y))
    if power <= 0:
        raise NotMeasured("the spectrum does not move")
    return float(np.sum(x * y)) / math.sqrt(power)


def _contours(wave: np.ndarray) -> np.ndarray:
    """Levels in dB of the bands over time, each band without its mean, [bands, frames]."""
    if len(wave) < FRAME:
        return np.zeros((len(EDGES) - 1, 0))
    frames = np.lib.stride_tricks.sliding_window_view(wave, FRAME)[:: FRAME // 2] * np.hanning(FRAME)  # [frames, FRAME]
    power = np.square(np.abs(np.fft.rfft(frames)))
    bands = np.add.reduceat(power[:, : EDGES[-1]], EDGES[:-1], axis=1).T
    levels = 10 * np.log10(np.maximum(bands, bands.max() * 10 ** (FLOOR_DB / 10) + 1e-30))
    return levels - levels.mean(axis=1, keepdims=True)
