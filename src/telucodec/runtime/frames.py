"""The integers of frames, what both ends know of frames before their coefficients, and the rows of the coding tables that networks point to."""

from dataclasses import dataclass

import numpy as np

from telucodec.runtime.context import UNIT, WEIGHT_UNIT
from telucodec.runtime.envelope import HIGHEST, LOWEST, spread, step_levels
from telucodec.runtime.model import ESCAPE, LEVEL_FRACTIONS, LEVEL_ROW, LEVEL_SCALES, ROW_OF_MODE, SCALES, TAIL_ROW, Shaping

LEVEL_CENTRE = ESCAPE // 2
"""Symbol of a level that is exactly where it was predicted."""
MAX_GAMMA_ZEROS = 20
MAX_MAGNITUDE = 1 << MAX_GAMMA_ZEROS
"""No encoder sends more: sound that reaches further takes a coarser step."""
SILENCE = np.zeros(1, np.float32)
"""What came before a packet where nothing is said of it."""


@dataclass(frozen=True)
class Frames:
    """The integers of F frames.

    halves: coefficients in half steps, int32 [F, HOP], all even where one quantiser reads them; levels: int32 [F, BANDS], or None where the
    envelope is not sent (power 0).
    """

    halves: np.ndarray
    levels: np.ndarray | None

    @property
    def mode(self) -> str:
        return "fidelity" if self.levels is None else "natural"


@dataclass(frozen=True)
class Decoded(Frames):
    """Frames as the decoder has them: with the row of the coding tables, int16 [F, HOP], that described every magnitude."""

    rows: np.ndarray


@dataclass(frozen=True)
class Side:
    """What decoder and encoder know of frames before their coefficients: rows need `relative`, sound needs the rest."""

    mode: str
    spread_levels: np.ndarray | None
    """Level of every coefficient in 16ths [F, HOP], None without an envelope."""
    relative: np.ndarray | None
    """Level of the envelope over the quantisation step as a feature, in 8ths [F, HOP]."""
    power: int
    shaping: Shaping

    @classmethod
    def of(cls, levels: np.ndarray | None, power: int, shaping: Shaping) -> "Side":
        if levels is None:
            return cls("fidelity", None, None, power, shaping)
        return cls("natural", spread(levels), relative_levels(levels, power, shaping), power, shaping)

    def steps(self, step: float) -> np.ndarray | float:
        """Step of every coefficient [F, HOP]: the file's `step`, shaped by the envelope where there is one."""
        if self.spread_levels is None:
            return step
        return step * np.exp2(step_levels(self.spread_levels, self.power, self.shaping.weighting) / 8)

    def sent(self, shape: tuple[int, int]) -> np.ndarray:
        """Which of the first coefficients, as many as `shape` [F, n] says, take a symbol: bool."""
        return np.ones(shape, bool) if self.relative is None else self.relative[:, : shape[1]] >= self.shaping.least_sent


def symbols_of(halves: np.ndarray) -> np.ndarray:
    """Magnitudes as they are coded, of coefficients in half steps: the n-th point of its quantiser from zero, whichever that is."""
    return (np.abs(halves) + 1) >> 1


def told(halves: np.ndarray) -> np.ndarray:
    """Magnitudes in half steps as far as the coding tables tell of `halves`: those that escape them are the first that do."""
    return np.minimum(np.abs(halves), 2 * ESCAPE - (halves & 1))


def tail_rows(previous: np.ndarray) -> np.ndarray:
    """Row that describes how far a magnitude lies beyond the first that escapes, by the magnitude codes `previous` [B, n] of the frame before."""
    padded = np.pad(previous.astype(np.int32), ((0, 0), (1, 1)))
    return TAIL_ROW + np.maximum(np.maximum(padded[:, :-2], padded[:, 2:]), padded[:, 1:-1]) // 2


def relative_levels(levels: np.ndarray, power: int, shaping: Shaping) -> np.ndarray:
    """Level of the envelope over the quantisation step [.., HOP], in 8ths, of integer `levels` [.., BANDS]."""
    spread_levels = spread(levels)
    return np.clip(np.floor(spread_levels / 2 - step_levels(spread_levels, power, shaping.weighting)), -127, 127)


def coefficient_row(sums: np.ndarray, mode: str) -> np.ndarray:
    """Rows of the coding tables [...] from the network's last sums [1, ...]."""
    scale = np.floor(sums[0] * np.float32(8 / (UNIT * WEIGHT_UNIT)))
    return np.minimum(np.maximum(scale, 0), SCALES - 1).astype(np.int32) + ROW_OF_MODE[mode]


def level_row(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predicted change of a level [...] and row of the coding tables [...] from the network's last sums [2, ...]."""
    scaled = np.floor(sums * np.float32(4 / (UNIT * WEIGHT_UNIT))).astype(np.int32)
    mean = np.clip(scaled[0], -LEVEL_FRACTIONS * (HIGHEST - LOWEST), LEVEL_FRACTIONS * (HIGHEST - LOWEST))
    scale = np.clip(scaled[1], 0, LEVEL_SCALES - 1)
    whole, fraction = np.divmod(mean, LEVEL_FRACTIONS)
    return whole, LEVEL_ROW + fraction * LEVEL_SCALES + scale
