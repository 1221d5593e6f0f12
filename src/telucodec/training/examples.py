"""What context networks learn from: recordings as the codec would send them, in files or in live packets, at random steps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from telucodec.audio.mdct import whole_mdct
from telucodec.runtime.entropy import EntropyCoder
from telucodec.runtime.frames import Frames, Side
from telucodec.runtime.model import HOP, Shaping, TransformModel
from telucodec.runtime.quantise import quantise
from telucodec.runtime.rate_distortion import cheapest
from telucodec.runtime.start import Start, starts
from telucodec.runtime.transform import POWER_OF_MODE
from telucodec.stream.encoder import chosen
from telucodec.stream.packet import MOST_FRAMES
from telucodec.stream.packet import POWER_OF_MODE as LIVE_POWER_OF_MODE
from telucodec.training.shaping import usual_shaping

STEP_OCTAVES = {"fidelity": (-3.8, 0.6), "natural": (-2.5, 3.0)}
"""Steps to prepare for, in octaves over the RMS of the louder half of a recording: about 1.5 to 24 kbps."""
LIVE_STEP_OCTAVES = {"fidelity": (-4.3, 0.1), "natural": (-3.0, 1.5)}
"""The same for live packets: about 5 to 30 kbps, and 4 to 20."""
EVERY = 4
"""One in so many packets is taken: those that follow each other are much alike."""
QUIETEST = 1e-5
"""A recording with less in its louder half is silent."""


@dataclass(frozen=True)
class Example:
    """A recording as the codec would quantise it at one random step."""

    coefficients: np.ndarray
    frames: Frames
    step: float
    power: int
    dependent: bool
    """Whether two quantisers read it by turns."""
    shaping: Shaping
    """That of the model."""
    start: Start | None = None
    """What contexts begin from, where it is a live packet."""

    @property
    def side(self) -> Side:
        return Side.of(self.frames.levels, self.power, self.shaping)

    @property
    def sent(self) -> np.ndarray:
        """Which coefficients take a symbol, bool [F, N]."""
        return self.side.sent(self.frames.halves.shape)


def loud_rms(coefficients: np.ndarray) -> float:
    """RMS of the louder half of the frames of `coefficients` [F, N]."""
    energies = np.sort((coefficients**2).mean(axis=1))
    return float(np.sqrt(energies[len(energies) // 2 :].mean()))


def _loud(waves: Sequence[np.ndarray]) -> Iterator[tuple[np.ndarray, float]]:
    """Coefficients [F, N] of each of `waves` [1, T] that is not silent, and their level."""
    for wave in waves:
        coefficients = whole_mdct(wave[0], HOP)
        level = loud_rms(coefficients)
        if level >= QUIETEST:
            yield coefficients, level


def examples(waves: Sequence[np.ndarray], mode: str, rng: np.random.Generator, model: TransformModel | None) -> list[Example]:
    """One example of each of `waves` [1, T], with the integers that an encoder with `model` chooses, or rounded plainly; silent ones give none."""
    found, coder, power = [], None if model is None else EntropyCoder(model), POWER_OF_MODE[mode]
    for coefficients, level in _loud(waves):
        step = level * 2.0 ** rng.uniform(*STEP_OCTAVES[mode])
        if model is None:
            shaping = usual_shaping()
            found.append(Example(coefficients, quantise(coefficients, step, power, shaping), step, power, False, shaping))
        else:
            frames = cheapest(coefficients, step, power, coder, model)
            found.append(Example(coefficients, frames, step, power, model.dependent(mode), model.shaping))
    return found


def packets(waves: Sequence[np.ndarray], mode: str, rng: np.random.Generator, model: TransformModel) -> list[Example]:
    """Live packets of `waves` [1, T], one in EVERY, with the integers that an encoder with `model` chooses; silent ones give none."""
    found, coder, power = [], EntropyCoder(model), LIVE_POWER_OF_MODE[mode]
    for coefficients, level in _loud(waves):
        step, size = level * 2.0 ** rng.uniform(*LIVE_STEP_OCTAVES[mode]), int(rng.integers(1, MOST_FRAMES + 1))
        for first in range(int(rng.integers(1, size * EVERY)), len(coefficients) - size + 1, size * EVERY):
            packet = coefficients[first : first + size]
            frames, start = chosen(packet, coefficients[:first], step, power, coder, model)
            found.append(Example(packet, frames, step, power, model.dependent(mode), model.shaping, starts()[start]))
    return found
