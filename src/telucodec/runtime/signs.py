"""What neighbours in frequency and time tell of a coefficient's sign: which is likelier, and how much so.

The MDCT of a steady tone has a phase that moves from frame to frame by what its place between two bins gives, and turns by a quarter
from bin to bin: signs that look random follow from each other. Where all signs around are turned the other way, so is what they tell;
a network is therefore asked twice, the second time with signs turned, and the difference of its answers counts.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np

from telucodec.runtime.context import COEFFICIENT_PASSES, UNIT, WEIGHT_UNIT, Layers, Plan, Planes

ROOTS = np.minimum(np.round(16 * np.sqrt(np.arange(255) / 2)), 127).astype(np.float32)
"""Magnitude in half steps 0..254 -> feature 0..127."""
AROUND = 5
"""Bins to either side whose magnitudes are looked at."""
BEFORE = (5, 5, 5, 4)
"""Bins to either side that are looked at in the frame before, in the one before that, and so on."""
MAGNITUDES = 2 * AROUND + 1
"""Features of a place that stay as they are where signs are turned."""
COMMON_SIGN_FEATURES = MAGNITUDES + sum(2 * reach + 1 for reach in BEFORE)
"""Features of a place in every pass; then come the offsets of the pass."""
CONFIDENCES, CONFIDENCE_STEPS = 32, 8
"""Classes of how likely the likelier sign is, and how many there are to a unit of the logit."""


class SignContext:
    """Frames as far as they are known: magnitudes of the frames at hand, their signs, and the signed frames before each of them."""

    def __init__(self, batch: int, width: int):
        self._planes = Planes(2 + len(BEFORE), batch, width)

    @classmethod
    def of(cls, halves: np.ndarray, magnitudes: np.ndarray) -> "SignContext":
        """All of a packet's frames `halves` [F, n] at once; of those at hand only `magnitudes` [F, n] are known."""
        context = cls(*halves.shape)
        context.begin(magnitudes)
        context.known[:] = np.sign(halves) * context.magnitudes
        signed = signed_roots(halves)
        for distance in range(1, 1 + len(BEFORE)):
            context._planes[1 + distance][distance:] = signed[:-distance]
        return context

    @property
    def magnitudes(self) -> np.ndarray:
        """Features of the magnitudes at hand [B, n]."""
        return self._planes[0]

    @property
    def known(self) -> np.ndarray:
        """The same with their signs, 0 where these are not known yet [B, n]."""
        return self._planes[1]

    def begin(self, magnitudes: np.ndarray) -> None:
        """The frame at hand has `magnitudes` [B, n], in half steps, of which no signs are known."""
        self.magnitudes[:] = ROOTS[magnitudes]
        self.known[:] = 0

    def end(self, halves: np.ndarray) -> None:
        """The frame at hand was `halves` [B, n]: the next one comes."""
        self._planes.move(2, 1 + len(BEFORE))
        self._planes[2][:] = signed_roots(halves)

    def features(self, batch: np.ndarray, bins: np.ndarray, plan: Plan) -> np.ndarray:
        """Features [I, n] of the places `bins` [n] in frames `batch` [n]: magnitudes, then what turns with the signs."""
        return self._planes.seen(_looked_at(plan), batch, bins)


@cache
def _looked_at(plan: Plan) -> np.ndarray:
    """Plane and offset [2, I] of every feature of a sign."""
    at = [(0, offset) for offset in range(-AROUND, AROUND + 1)]
    at += [(plane, offset) for plane, reach in enumerate(BEFORE, start=2) for offset in range(-reach, reach + 1)]
    at += [(1, offset) for offset in plan.offsets]
    return np.transpose(at)


def signed_roots(halves: np.ndarray) -> np.ndarray:
    """Features of coefficients in half steps, of any shape, with their signs."""
    return np.sign(halves) * ROOTS[np.minimum(np.abs(halves), len(ROOTS) - 1)]


def sign_inputs(halves: np.ndarray, magnitudes: np.ndarray) -> Iterator[tuple[Plan, np.ndarray, np.ndarray, np.ndarray]]:
    """Each pass over a packet `halves` [F, n], of whose frame at hand `magnitudes` [F, n] are known.

    With the frames [m] and bins [m] of what is not zero there, and their features [I, m].
    """
    context = SignContext.of(halves, magnitudes)
    for plan in COEFFICIENT_PASSES:
        frames, places = np.nonzero(halves[:, plan.positions])
        bins = plan.start + plan.stride * places
        yield plan, frames, bins, context.features(frames, bins, plan)


def likelier(layers: Layers, features: np.ndarray, bins: np.ndarray, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Which signs -1 or 1 [n] are likelier at `bins` [n], by features [I, n]; and the class int32 [n] of how likely these are."""
    turned = np.ones((len(features), 2, 1), np.float32)
    turned[MAGNITUDES:, 1] = -1
    sums = layers(features[:, None] * turned, bins // plan.stride)[0]
    difference = sums[0] - sums[1]
    confidence = np.floor(np.abs(difference) * np.float32(CONFIDENCE_STEPS / (UNIT * WEIGHT_UNIT)))
    return np.where(difference < 0, -1, 1), np.minimum(confidence, CONFIDENCES - 1).astype(np.int32)
