"""The integer context model: which row of the coding tables describes the next symbol, from what is already decoded.

Encoder and decoder must agree to the last bit on every machine, so everything here is a small integer held in float32:
int8 weights, activations clipped to 0..127 and shifted by powers of two keep all sums below 2^24, where float32 is
exact, whatever the order in which a BLAS adds them (after Balle et al., "Integer networks", ICLR 2019).

A frame is decoded in passes over interleaved positions; a pass sees its neighbours of the passes before it, on both
sides (checkerboard contexts, He et al., CVPR 2021), and all of the frames before. B is frames of one packet in the encoder, one
frame each of several packets in the decoder; a layer is one matrix product for all of them.
"""

from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

import numpy as np

UNIT = 32
"""An activation of 1.0 is this integer."""
WEIGHT_UNIT = 64
"""A weight of 1.0 is this integer."""
MAX_HIDDEN = 256
LARGEST_BIAS = 1 << 21
"""With no larger one, a sum of MAX_HIDDEN products of -128 and 127 stays below 2^24, where float32 is exact; so do those of features and of embeddings."""
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
    def _scaled(self) -> tuple[np.ndarray, ...]:
        """The same; what makes activations comes divided by WEIGHT_UNIT, which changes no bit of a sum in float32."""
        hidden = (self.first, self.bias, self.second, self.second_bias)
        return (*(value / np.float32(WEIGHT_UNIT) for value in hidden), self.last, self.last_bias)

    def __call__(self, features: np.ndarray, positions: np.ndarray | None = None) -> np.ndarray:
        """Last layer's sums [O, B, n] of `features` [I, B, n] at n `positions`, the first ones if none are named."""
        first, bias, second, second_bias, last, last_bias = self._scaled
        inputs, batch, places = features.shape
        hidden = features.reshape(inputs, batch * places).T @ first  # [B n, H]
        by_place = hidden.reshape(batch, places, hidden.shape[1])
        by_place += bias[:places] if positions is None else bias.take(positions, axis=0)
        hidden = activate(hidden) @ second
        hidden += second_bias
        sums = activate(hidden) @ last
        sums += last_bias
        return sums.T.reshape(sums.shape[1], batch, places)


def activate(sums: np.ndarray) -> np.ndarray:
    """Turn sums, already divided by WEIGHT_UNIT, into activations 0..127, in place."""
    np.floor(sums, out=sums)
    return sums.clip(0, 127, out=sums)


EDGE = 8
"""No offset is larger."""


class Planes:
    """What is known of the places [B, n] of frames, a plane for each kind of it, zero outside."""

    def __init__(self, count: int, batch: int, width: int):
        self._values = np.zeros((count, batch, width + 2 * EDGE), np.float32)

    def __getitem__(self, plane: int) -> np.ndarray:
        """One of them [B, n]."""
        return self._values[plane, :, EDGE:-EDGE]

    def move(self, first: int, last: int) -> None:
        """Each plane from `first` on becomes the next one, up to `last`."""
        self._values[first + 1 : last + 1] = self._values[first:last]

    def seen(self, at: np.ndarray, batch: np.ndarray, bins: np.ndarray) -> np.ndarray:
        """Features [I, n] of the places `bins` [n] in frames `batch` [n]: the planes at the offsets of `at` [2, I]."""
        places = batch * self._values.shape[2] + bins + EDGE
        return self._values.ravel().take((at[0] * self._values[0].size + at[1])[:, None] + places)


def window_sums(values: np.ndarray, reach: int) -> np.ndarray:
    """Sum of `values` [B, n] over positions no more than `reach`, a power of two, away, [B, n]."""
    batch, width = values.shape
    padded = np.zeros((batch, width + 2 * reach), np.float32)
    padded[:, reach : reach + width] = values
    sums, size = padded, 1
    while size < 2 * reach:
        sums = sums[:, :-size] + sums[:, size:]
        size *= 2
    return sums[:, :width] + padded[:, 2 * reach :]


_PREVIOUS, _BEFORE, _SLOW, _WIDE, _LOUDNESS, _RELATIVE, _RELATIVE_PREVIOUS, _CURRENT, _CURRENT_WIDE = range(9)
COMMON_FEATURES = {"fidelity": 21, "natural": 25}
"""Features of a place in every pass; then come those of the passes before."""
REACH, WIDE_REACH = 4, 16
"""Bins to either side that are looked at in the frame before, in fewer of the others, and of which a sum is."""
LOUDEST = 127


class CoefficientContext:
    """What earlier frames, the envelope and earlier passes say about the magnitudes of the frames at hand."""

    def __init__(self, batch: int, width: int):
        self._planes = Planes(9, batch, width)
        self._enveloped = False

    @property
    def known(self) -> np.ndarray:
        """Magnitude codes of the frames at hand as far as they are known, else 0 [B, n]."""
        return self._planes[_CURRENT]

    def begin(
        self,
        previous: np.ndarray,
        before: np.ndarray,
        slow: np.ndarray,
        relative: np.ndarray | None = None,
        relative_previous: np.ndarray | None = None,
    ) -> None:
        """Frames come of which nothing is known but what went before and their envelope.

        Magnitude codes [B, n] of the frame before, the one before that, and their running average in 8ths; and the envelope
        over the quantisation step [B, N] in this frame and the one before, None where no envelope is sent.
        """
        planes, width = self._planes, previous.shape[1]
        planes[_PREVIOUS][:, :width] = previous
        planes[_BEFORE][:, :width] = before
        np.floor(slow / 8, out=planes[_SLOW][:, :width])
        planes[_WIDE][:, :width] = _wide(window_sums(previous, WIDE_REACH))
        planes[_LOUDNESS][:] = np.minimum(np.floor(previous.sum(axis=1, keepdims=True) / 16), LOUDEST)
        self._enveloped = relative is not None
        if self._enveloped:
            planes[_RELATIVE][:], planes[_RELATIVE_PREVIOUS][:] = relative, relative_previous
        else:
            self._heard_before = window_sums(planes[_PREVIOUS] + planes[_BEFORE] + planes[_SLOW], REACH) + planes[_WIDE] > 0
        self.known[:] = 0

    @property
    def loudness(self) -> np.ndarray:
        """Of the frame before each of those at hand, 0 to LOUDEST, [B]."""
        return self._planes[_LOUDNESS][:, 0].astype(np.intp)

    def begin_pass(self, plan: Plan) -> np.ndarray | None:
        """What the passes before `plan` told is known.

        Without an envelope: in which places [B, n] anything is heard; elsewhere features are zero, but for the loudness.
        """
        around = None
        if plan.offsets:
            around = window_sums(self.known, WIDE_REACH)
            self._planes[_CURRENT_WIDE][:] = _wide(around)
        if self._enveloped:
            return None
        return self._heard_before if around is None else self._heard_before | (around > 0)

    def features(self, batch: np.ndarray, bins: np.ndarray, plan: Plan) -> np.ndarray:
        """Features [I, n] that the pass `plan`, which has begun, has of its places `bins` [n] in frames `batch` [n]."""
        return self._planes.seen(_looked_at(plan, self._enveloped), batch, bins)


def unheard_features(plan: Plan, places: int) -> np.ndarray:
    """Features [I, LOUDEST + 1, n] of n places of a pass where nothing is heard, by the loudness of the frame before."""
    planes = _looked_at(plan, False)[0]
    features = np.zeros((len(planes), LOUDEST + 1, places), np.float32)
    features[planes == _LOUDNESS] = np.arange(LOUDEST + 1)[:, None]
    return features


def _wide(sums: np.ndarray) -> np.ndarray:
    """Mean of the magnitude codes around each place, of their `sums` [B, n] over no more than WIDE_REACH places away."""
    return np.minimum(np.floor(sums / WIDE_REACH), 127)


@cache
def _looked_at(plan: Plan, enveloped: bool) -> np.ndarray:
    """Plane and offset [2, I] of every feature of a magnitude."""
    at = [(plane, offset) for plane, reach in ((_PREVIOUS, REACH), (_BEFORE, 2), (_SLOW, 2)) for offset in range(-reach, reach + 1)]
    at += [(_WIDE, 0), (_LOUDNESS, 0)]
    if enveloped:
        at += [(_RELATIVE, -8), (_RELATIVE, 0), (_RELATIVE, 8), (_RELATIVE_PREVIOUS, 0)]
    if plan.offsets:
        at += [*((_CURRENT, offset) for offset in plan.offsets), (_CURRENT_WIDE, 0)]
    return np.transpose(at)


def slow_average(slow: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Running average, in 8ths, after a frame of magnitude `codes`: a quarter new, in integers."""
    return slow + np.floor((8 * codes - slow) / 4)


LEVEL_FEATURES = 8
"""Features of a level in every pass; then come those of the passes before."""
_LEVEL, _LEVEL_BEFORE, _LEVEL_SLOW, _NONE_BEFORE, _CHANGE, _MEAN_CHANGE = range(6)


class LevelContext:
    """What earlier frames and earlier passes say about the levels of the frames at hand; a level of 1 is 8."""

    def __init__(self, batch: int, width: int):
        self._planes = Planes(6, batch, width)
        self._batch, self._width = batch, width

    def begin(self, previous: np.ndarray, before: np.ndarray, slow: np.ndarray, first: np.ndarray) -> None:
        """Frames come of which nothing is known but what went before.

        Levels [B, n] of the frame before, the one before that, and their running average in 8ths; and whether [B] none came before.
        """
        self._planes[_LEVEL][:], self._planes[_LEVEL_BEFORE][:], self._planes[_LEVEL_SLOW][:] = 8 * previous, 8 * before, slow
        self._planes[_NONE_BEFORE][:] = UNIT * first[:, None]
        self._planes[_CHANGE][:] = 0
        self._sum, self._known = np.zeros((self._batch, 1), np.float32), 0

    def tell(self, change: np.ndarray, plan: Plan) -> None:
        """The levels [B, p] of a pass lie so far from the frame before."""
        self._planes[_CHANGE][:, plan.positions] = np.clip(8 * change, -127, 127)
        self._sum += change.sum(axis=1, keepdims=True)
        self._known += change.shape[1]
        self._planes[_MEAN_CHANGE][:] = np.clip(np.floor(8 * self._sum / self._known), -127, 127)

    def features(self, plan: Plan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Frames [n] and bands [n] of all levels of a pass, n = B p, and their features [I, n]."""
        batch, bands = _all_places(self._batch, self._width, plan)
        return batch, bands, self._planes.seen(_looked_at_for_levels(plan), batch, bands)


@lru_cache(maxsize=12)
def _all_places(batch: int, width: int, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Frames and places [n] of a pass over `batch` frames of `width` places."""
    places = np.arange(width)[plan.positions]
    return np.repeat(np.arange(batch), len(places)), np.tile(places, batch)


@cache
def _looked_at_for_levels(plan: Plan) -> np.ndarray:
    """Plane and offset [2, I] of every feature of a level."""
    at = [*((_LEVEL, offset) for offset in range(-2, 3)), (_LEVEL_BEFORE, 0), (_LEVEL_SLOW, 0), (_NONE_BEFORE, 0)]
    if plan.offsets:
        at += [*((_CHANGE, offset) for offset in plan.offsets), (_MEAN_CHANGE, 0)]
    return np.transpose(at)
