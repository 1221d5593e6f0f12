"""Rate-distortion optimised quantisation: of the integers near a coefficient, the one whose error and whose bits together cost least.

After Karczewicz, Ye and Chong (ITU-T VCEG-AH21, 2008), with the bits that the context model gives each integer where neighbours are
quantised plainly. Only the encoder does this; any integers decode.
"""

import numpy as np

from telucodec.runtime.entropy import EntropyCoder
from telucodec.runtime.frames import MAX_MAGNITUDE, Frames, Side
from telucodec.runtime.model import CENTROIDS, ESCAPE, TransformModel
from telucodec.runtime.quantise import quantise, scaled_steps, used_fours

BIT_PRICE = {"natural": 0.15, "fidelity": 0.1}
"""What a bit may cost in error, in squared steps; 0.1155 = 2 ln 2 / 12 where steps are fine (docs/experiments.md, 14)."""


def cheapest(coefficients: np.ndarray, step: float, power: int, coder: EntropyCoder, model: TransformModel) -> Frames:
    """Integers of `coefficients` [F, N], as `quantise` takes them but for those whose bits are not worth it."""
    frames = quantise(coefficients, step, power)
    side = Side.of(frames.levels, power)
    cut = 4 * used_fours(frames)
    rows = coder.coefficient_rows(frames.quantised[:, :cut], side)
    exact = (np.abs(coefficients) / scaled_steps(side, step, power))[:, :cut]
    below = np.minimum(np.floor(exact), MAX_MAGNITUDE).astype(np.int32)
    best = least = None
    for magnitude in (np.maximum(below - 1, 0), below, np.minimum(below + 1, MAX_MAGNITUDE)):
        coded = magnitude > 0
        point = np.where(coded, magnitude + model.centroids[rows, np.clip(magnitude, 1, CENTROIDS) - 1], 0)
        bits = model.tables.bits[rows, np.minimum(magnitude, ESCAPE)] + coded  # one for the sign
        cost = (exact - point) ** 2 + BIT_PRICE[side.mode] * bits
        best = magnitude if least is None else np.where(cost < least, magnitude, best)
        least = cost if least is None else np.minimum(cost, least)
    quantised = np.zeros_like(frames.quantised)
    quantised[:, :cut] = np.sign(coefficients[:, :cut]) * best
    return Frames(quantised, frames.levels)
