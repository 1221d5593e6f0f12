"""Coefficients <-> integers, in half steps: uniform quantisation with a dead zone, learned reconstruction points, and noise for what became zero."""

from dataclasses import dataclass

import numpy as np

from telucodec.runtime.context import window_sums
from telucodec.runtime.envelope import measure_levels
from telucodec.runtime.frames import Decoded, Frames, Side, symbols_of
from telucodec.runtime.model import CENTROIDS, ESCAPE, HOP, NOISE_CLASSES, SCALES, Shaping, TransformModel
from telucodec.runtime.trellis import second_reads

STEP_UNITS = 64
"""The step is sent as an integer number of 64ths of an octave below full scale: 1.1 % apart."""
ROUNDING = 0.4
"""A magnitude of a + 0.6 steps is the first that becomes a + 1: the dead zone saves more bits than it costs distortion."""

NOISE_SHARE = 0.5
"""Filled-in noise is set this much below the level it replaces: at full level it hisses (docs/experiments.md)."""
NEAR = 4
"""Of a coefficient without an integer other than zero so many bins to either side, a decoder knows no more than the level."""
GROUP = 16
"""Bins side by side whose additions take one sign where they are guessed."""


def step_size(step_index: int) -> float:
    """Quantisation step of an index, 1.0 being full scale."""
    return 2.0 ** (-step_index / STEP_UNITS)


def scaled(coefficients: np.ndarray, step: float, power: int, shaping: Shaping) -> np.ndarray:
    """`coefficients` [F, N] in steps of their own."""
    levels = measure_levels(coefficients, step) if power else None
    return coefficients / Side.of(levels, power, shaping).steps(step)


def quantise(coefficients: np.ndarray, step: float, power: int, shaping: Shaping) -> Frames:
    """Whole steps of `coefficients` [F, N] with one step for all (power 0) or steps that follow the envelope, zero where none is sent."""
    levels = measure_levels(coefficients, step) if power else None
    side = Side.of(levels, power, shaping)
    in_steps = np.abs(coefficients) / side.steps(step)
    magnitudes = np.floor(in_steps + ROUNDING) * side.sent(coefficients.shape)
    return Frames((2 * np.sign(coefficients) * magnitudes).astype(np.int32), levels)


def used_fours(frames: Frames) -> int:
    """Coefficients of a frame up to the highest that is ever other than zero, in fours."""
    used = np.flatnonzero(frames.halves.any(axis=0))
    return 0 if used.size == 0 else used[-1] // 4 + 1


def noise_class(relative: np.ndarray) -> np.ndarray:
    """Class of a zero by the level of the envelope over its step, `relative` in 8ths."""
    return ((relative + 128) * (NOISE_CLASSES / 256)).astype(np.int32)


@dataclass(frozen=True)
class Restored:
    """Frames as far as their integers tell."""

    values: np.ndarray
    """Coefficients float32 [F, N] in steps of their own, with noise where they are zero."""
    zero: np.ndarray
    """Which integers are zero, bool [F, N]."""
    steps: np.ndarray | float
    """Step of every coefficient [F, N], 1.0 being full scale."""
    units: np.ndarray | float
    """Those steps, or the envelope [F, N] where it lies below them: how much may be missing there. With a random
    sign where no integer is near: a network that is told the same in frame after frame would add the same, which hums at the frame rate."""
    levels: np.ndarray | None = None
    """Of the envelope [F, BANDS], where one was sent."""
    scales: np.ndarray | None = None
    """In fidelity mode, how large every magnitude was expected to be before it was read: its row of the coding tables, int8 [F, N], 0 to SCALES - 1."""
    second: np.ndarray | None = None
    """In fidelity mode, which magnitudes the second of two quantisers read, bool [F, N]."""
    known: bool = True
    """Whether they were decoded; else made up."""

    @classmethod
    def of(cls, coefficients: np.ndarray) -> "Restored":
        """Frames of which no integers are known."""
        return cls(coefficients, np.zeros(coefficients.shape, bool), 1.0, 0.0, known=False)

    @property
    def coefficients(self) -> np.ndarray:
        """Coefficients float32 [F, N] of full scale 1.0."""
        return (self.values * self.steps).astype(np.float32)


def restore(frames: Decoded, step: float, power: int, model: TransformModel, noise_signs: np.ndarray) -> Restored:
    """`frames` with their reconstruction points.

    `noise_signs` [F, N] of +-1 give the noise its phases; it is added only where there is an envelope to give its level.
    """
    side = Side.of(frames.levels, power, model.shaping)
    magnitude = np.abs(frames.halves)
    symbols = symbols_of(magnitude)
    point = model.centroids[frames.rows + 2 * SCALES * (magnitude & 1), np.clip(symbols, 1, CENTROIDS) - 1]
    values = (np.sign(frames.halves) * (magnitude / 2 + point)).astype(np.float32)
    if side.relative is None:
        second = second_reads(np.minimum(symbols, ESCAPE)) if model.dependent(side.mode) else np.zeros_like(symbols)
        return Restored(values, magnitude == 0, step, step, scales=frames.rows.astype(np.int8), second=second.astype(bool))
    steps = side.steps(step)
    filling = NOISE_SHARE * model.noise[noise_class(side.relative)] * noise_signs
    values = np.where(magnitude == 0, filling, values)
    units = np.minimum(steps, step * np.exp2(side.spread_levels / 16)) * _signs_of_guesses(magnitude == 0, values)
    return Restored(values, magnitude == 0, steps, units, frames.levels)


def _signs_of_guesses(zero: np.ndarray, values: np.ndarray) -> np.ndarray:
    """For every coefficient [F, N], the sign of the first of its group in `values` [F, N] where all near it are `zero` [F, N], 1 elsewhere."""
    guessed = window_sums((~zero).astype(np.float32), NEAR) == 0
    return np.where(guessed & (values[:, ::GROUP] < 0).repeat(GROUP, axis=1), np.float32(-1), np.float32(1))


def noise_signs(first_frame: int, count: int) -> np.ndarray:
    """Signs +-1, float32 [count, N], the same for the same frame of a file on every machine: bits of a hash of the position."""
    position = np.arange(count * HOP, dtype=np.uint32) + np.uint32(first_frame * HOP & 0xFFFFFFFF)
    mixed = (position ^ (position >> np.uint32(16))) * np.uint32(0x45D9F3B)
    mixed = (mixed ^ (mixed >> np.uint32(16))) * np.uint32(0x45D9F3B)
    return (((mixed >> np.uint32(16)) & np.uint32(1)).astype(np.float32) * 2 - 1).reshape(count, HOP)
