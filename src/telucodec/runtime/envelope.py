"""The spectral envelope a decoder knows: band levels in 6 dB steps, and the quantisation step they give every coefficient.

A level is the base-2 logarithm of a band's RMS over the file's step, so a level of 0 is a band as strong as the step.
The step of a coefficient is step * 2^(power * level + weighting): power 0 is plain quantisation (white noise, the best SNR), power 1
would keep the same SNR everywhere but for the weighting by frequency, which plain quantisation leaves out. Levels move through frames as integers, and only integers choose symbols.
"""

import numpy as np

BAND_EDGES = np.array([0, 4, 8, 12, 16, 20, 24, 28, 32, 38, 44, 52, 60, 70, 82, 96, 112, 132, 156, 184, 216, 256, 320])
BANDS = len(BAND_EDGES) - 1
LOWEST, HIGHEST = -8, 14
"""Range of a level: 48 dB below the step nothing is heard, 84 dB above it nothing is lost."""
POWER_UNITS = 32
"""The power g is sent as an integer number of 32nds."""


def _interpolation() -> np.ndarray:
    """Weights [BANDS, N] in 16ths that draw straight lines between the middles of the bands."""
    middles = (BAND_EDGES[:-1] + BAND_EDGES[1:] - 1) / 2
    position = np.interp(np.arange(BAND_EDGES[-1]), middles, np.arange(BANDS))
    lower = np.minimum(position.astype(int), BANDS - 2)
    upper_weight = np.round(16 * (position - lower))
    weights = np.zeros((BANDS, BAND_EDGES[-1]), np.float32)
    bins = np.arange(BAND_EDGES[-1])
    weights[lower, bins] = 16 - upper_weight
    weights[lower + 1, bins] += upper_weight
    return weights


INTERPOLATION = _interpolation()


def measure_levels(coefficients: np.ndarray, step: float) -> np.ndarray:
    """Integer levels [F, BANDS] of `coefficients` [F, N], smoothed over neighbouring frames to make them cheap to send."""
    power = np.add.reduceat(coefficients**2, BAND_EDGES[:-1], axis=1) / np.diff(BAND_EDGES)
    levels = 0.5 * np.log2(power / step**2 + 4.0**LOWEST)
    padded = np.pad(levels, ((1, 1), (0, 0)), mode="edge")
    smoothed = 0.33 * padded[:-2] + 0.34 * padded[1:-1] + 0.33 * padded[2:]
    return np.clip(np.round(smoothed), LOWEST, HIGHEST).astype(np.int32)


def spread(levels: np.ndarray) -> np.ndarray:
    """Level of every coefficient [..., N] in 16ths, from integer `levels` [..., BANDS]; exact in float32."""
    return levels.astype(np.float32) @ INTERPOLATION


def step_levels(spread_levels: np.ndarray, power: int, weighting: np.ndarray) -> np.ndarray:
    """Level of the quantisation step over the file's [..., N] in 8ths, for an integer `power` in 32nds and `weighting` [N] in 8ths; exact in float32."""
    return spread_levels * np.float32(power / (2 * POWER_UNITS)) + (weighting if power else 0)
