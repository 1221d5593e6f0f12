"""The integer context model: which row of the coding tables describes the next symbol, from what is already decoded.

Encoder and decoder must agree to the last bit on every machine, so everything here is a small integer held in float32:
int8 weights, activations clipped to 0..127 and shifted by powers of two keep all sums below 2^24, where float32 is
exact, whatever the order in which a BLAS adds them (after Balle et al., "Integer networks", ICLR 2019).

A frame is decoded in passes over interleaved positions; a pass sees its neighbours of the passes before it, on both
sides (checkerboard contexts, He et al., CVPR 2021), and all of the frames before. B is frames of one packet in the encoder, one
frame each of several packets in the decoder; features lead, so that a layer is one matrix product for all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

UNIT = 32
"""An activation of 1.0 is this integer."""
WEIGHT_UNIT = 64
"""A weight of 1.0 is this integer."""
MAGNITUDE_CODES = np.round(16 * np.log2(1 + np.arange(255) / 2)).astype(np.float32)
"""Magnitude in half steps 0..254 -> feature 0..112."""


@dataclass(frozen=True)
class Plan:
    """Which positions a pass decodes and which neighbours (offsets) it may look at."""

    start: int
    stride: int
    offsets: tuple[int, ...]

    @property
    def positions(self) -> slice:
        return slice(self.start, None, self.stride)


EVERYWHERE = Plan(0, 1, ())
COEFFICIENT_PASSES = (
    Plan(0, 4, ()),
    Plan(2, 4, (-6, -2, 2, 6)),
    Plan(1, 4, (-7, -5, -3, -1, 1, 3, 5, 7)),
    Plan(3, 4, (-7, -6, -5, -3, -2, -1, 1, 2, 3, 5, 6, 7)),
)
LEVEL_PASSES = (Plan(0, 4, ()), Plan(2, 4, (-2, 2)), Plan(1, 2, (-3, -1, 1, 3)))


@dataclass(frozen=True)
class Layers:
    """One pass's network: features [I, B, n] -> outputs [O, B, n], integers throughout.

    first [I, H], bias [N, H] (one row a position), second [H, H], second_bias [H], last [H, O], last_bias [O]; a unit of
    the output is worth UNIT * WEIGHT_UNIT in the sums of the last layer.
    """

    first: np.ndarray
    bias: np.ndarray
    second: np.ndarray
    second_bias: np.ndarray
    last: np.ndarray
    last_bias: np.ndarray

    @cached_property
    def _columns(self) -> tuple[np.ndarray, ...]:
        """The same, features leading; what makes activations comes divided by WEIGHT_UNIT, which changes no bit of a sum in float32."""
        units = (WEIGHT_UNIT, WEIGHT_UNIT, WEIGHT_UNIT, WEIGHT_UNIT, 1, 1)
        values = (self.first, self.bias, self.second, self.second_bias[None], self.last, self.last_bias[None])
        return tuple(np.ascontiguousarray(value.T) / np.float32(unit) for value, unit in zip(values, units, strict=True))

    def __call__(self, features: np.ndarray, positions: np.ndarray | None = None) -> np.ndarray:
        """Last layer's sums [O, B, n] of `features` [I, B, n] at n `positions`, the first ones if none are named."""
        first, bias, second, second_bias, last, last_bias = self._columns
        inputs, batch, places = features.shape
        hidden = first @ features.reshape(inputs, batch * places)  # [H, B n]
        by_place = hidden.reshape(len(hidden), batch, places)
        by_place += (bias[:, :places] if positions is None else bias.take(positions, axis=1))[:, None]
        hidden = second @ activate(hidden)
        hidden += second_bias
        sums = last @ activate(hidden)
        sums += last_bias
        return sums.reshape(len(sums), batch, places)


Evaluator = Callable[[Layers, np.ndarray, np.ndarray | None], np.ndarray]


def activate(sums: np.ndarray) -> np.ndarray:
    """Turn sums, already divided by WEIGHT_UNIT, into activations 0..127, in place."""
    np.floor(sums, out=sums)
    return sums.clip(0, 127, out=sums)


REACH = 8
"""No offset is larger."""


def neighbours(values: np.ndarray, offsets: tuple[int, ...], plan: Plan) -> np.ndarray:
    """`values` [B, n] at each of `offsets` from each of the plan's positions, zero outside: [len(offsets), B, p]."""
    batch, width = values.shape
    padded = np.zeros((batch, width + 2 * REACH), np.float32)
    padded[:, REACH : REACH + width] = values
    return np.stack([padded[:, REACH + offset : REACH + offset + width][:, plan.positions] for offset in offsets])


def window_sums(values: np.ndarray, reach: int) -> np.ndarray:
    """Sum of `values` [B, n] over positions no more than `reach` away, [B, n]."""
    batch, width = values.shape
    padded = np.zeros((batch, width + 2 * reach + 1), np.float32)
    padded[:, reach + 1 : reach + 1 + width] = values
    sums = padded.cumsum(axis=1)
    return sums[:, 2 * reach + 1 :] - sums[:, :width]


@dataclass(frozen=True)
class CoefficientPast:
    """What earlier frames and the envelope say about a frame's magnitudes.

    Magnitude codes [B, n] of the frame before, the one before that, and their running average in 8ths; and the envelope
    over the quantisation step [B, N] in this frame and the one before, None where no envelope is sent.
    """

    previous: np.ndarray
    before: np.ndarray
    slow: np.ndarray
    relative: np.ndarray | None
    relative_previous: np.ndarray | None

    def features(self) -> np.ndarray:
        """Features [I, B, n] common to all passes."""
        wide = np.minimum(np.floor(window_sums(self.previous, 16) / 16), 127)
        loudness = np.minimum(np.floor(self.previous.sum(axis=1, keepdims=True) / 16), 127)
        parts = [
            neighbours(self.previous, (-4, -3, -2, -1, 0, 1, 2, 3, 4), EVERYWHERE),
            neighbours(self.before, (-2, -1, 0, 1, 2), EVERYWHERE),
            neighbours(np.floor(self.slow / 8), (-2, -1, 0, 1, 2), EVERYWHERE),
            wide[None],
            np.broadcast_to(loudness, (1, *wide.shape)),
        ]
        if self.relative is not None:
            width = wide.shape[1]
            parts += [neighbours(self.relative, (-8, 0, 8), EVERYWHERE)[..., :width], self.relative_previous[None, :, :width]]
        return np.concatenate(parts, dtype=np.float32)


COMMON_FEATURES = {"fidelity": 21, "natural": 25}


def coefficient_features(common: np.ndarray, current: np.ndarray, plan: Plan) -> np.ndarray:
    """Features [I, B, p] of one pass from the `common` [., B, n] and the magnitude codes `current` [B, n] known so far."""
    chosen = common[..., plan.positions]
    if not plan.offsets:
        return chosen
    wide = np.minimum(np.floor(window_sums(current, 16) / 16), 127)[:, plan.positions]
    return np.concatenate([chosen, neighbours(current, plan.offsets, plan), wide[None]])


def slow_average(slow: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Running average, in 8ths, after a frame of magnitude `codes`: a quarter new, in integers."""
    return slow + np.floor((8 * codes - slow) / 4)


@dataclass(frozen=True)
class LevelPast:
    """Levels [B, BANDS] of earlier frames: the last, the one before, a running average in 8ths, and whether none came before."""

    previous: np.ndarray
    before: np.ndarray
    slow: np.ndarray
    first: np.ndarray

    def features(self) -> np.ndarray:
        """Features [8, B, BANDS] common to all passes, a level of 1 being 8."""
        flag = np.broadcast_to(UNIT * self.first[:, None], (1, *self.previous.shape))
        parts = [8 * neighbours(self.previous, (-2, -1, 0, 1, 2), EVERYWHERE), 8 * self.before[None], self.slow[None], flag]
        return np.concatenate(parts, dtype=np.float32)


LEVEL_FEATURES = 8


def level_features(common: np.ndarray, change: np.ndarray, known: int, plan: Plan) -> np.ndarray:
    """Features [I, B, p] of one pass: `change` [B, BANDS] is how far the `known` levels so far lie from the frame before."""
    chosen = common[..., plan.positions]
    if not plan.offsets:
        return chosen
    mean = np.clip(np.floor(8 * change.sum(axis=1, keepdims=True) / known), -127, 127)
    near = np.clip(8 * neighbours(change, plan.offsets, plan), -127, 127)
    return np.concatenate([chosen, near, np.broadcast_to(mean, (1, *chosen.shape[1:]))], dtype=np.float32)
