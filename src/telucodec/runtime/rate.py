"""Choosing the step that gives an asked bitrate: a search while the sound fits in memory, a slow control loop beyond."""

import math
from collections.abc import Callable

from telucodec.runtime.quantise import STEP_UNITS

COARSEST, FINEST = -6 * STEP_UNITS, 16 * STEP_UNITS
"""Range of the step's index around full scale: from 36 dB over it (everything is zero) to the last bit of 16-bit PCM."""
OFFSET = -COARSEST
"""Added to an index to send it as an unsigned number."""
TOLERANCE = 0.004
CORRECTION_S = 6.0
"""The control loop aims to make good an error of this many seconds' worth of bits by one octave of the step."""


def search_step(bits: Callable[[int], float], target_bits: float, guess: int) -> int:
    """Index of the step whose cost `bits(index)`, rising with the index, comes closest to `target_bits`."""
    low, high, index = COARSEST, FINEST, min(max(guess, COARSEST), FINEST)
    tried: dict[int, float] = {}
    slope = 0.9 / STEP_UNITS  # octaves of rate for one unit of the step, until two trials tell
    while True:
        tried[index] = cost = max(bits(index), 1.0)
        error = math.log2(target_bits / cost)
        if abs(cost / target_bits - 1) < TOLERANCE:
            break
        low, high = (index, high) if error > 0 else (low, index)
        if len(tried) > 1:
            (index_a, cost_a), (index_b, cost_b) = list(tried.items())[-2:]
            measured = math.log2(cost_b / cost_a) / (index_b - index_a)
            slope = measured if measured > 0.1 / STEP_UNITS else slope
        following = index + round(error / slope)
        if not low < following < high:
            following = (low + high) // 2
        if following in tried:
            following = index + (1 if error > 0 else -1)
        if following in tried or not COARSEST <= following <= FINEST:
            break
        index = following
    return min(tried, key=lambda index: abs(math.log2(tried[index] / target_bits)))


def controlled_step(base: int, surplus_bits: float, bits_per_s: float) -> int:
    """Index for the next packet when `surplus_bits` more than the target were spent so far at `bits_per_s` asked."""
    octaves = surplus_bits / (bits_per_s * CORRECTION_S)
    return min(max(base - round(STEP_UNITS * octaves), COARSEST), FINEST)
