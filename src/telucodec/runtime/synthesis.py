"""What the learned synthesis is told of a frame, and what it does to it: a gain for every coefficient, and something added to it.

All is relative to the steps that coefficients were quantised with, so the network never knows how loud a file is. It looks one frame
ahead: what leaves it is one frame behind what enters.
"""

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from telucodec.errors import ModelError
from telucodec.runtime.bundle import Graph
from telucodec.runtime.envelope import BANDS, POWER_UNITS
from telucodec.runtime.model import HOP
from telucodec.runtime.quantise import Restored

FILE_NAME = "synthesis.onnx"
SHIPPED = Path(__file__).parents[1] / "weights" / FILE_NAME
INPUTS, OUTPUTS = 2 * HOP + BANDS + 1, 2 * HOP
LEVEL_SCALE = 1 / 8
MOST_GAIN = 2.0
"""Natural logarithm of the largest change of a coefficient: 17 dB up or down."""
LOOK_AHEAD = 1
"""Frames."""


def features(restored: Restored, levels: np.ndarray, power: int) -> np.ndarray:
    """What is told of frames, float32 [F, INPUTS]: coefficients in steps with the magnitude's root, which were zero, levels, power."""
    rooted = np.sign(restored.values) * np.sqrt(np.abs(restored.values))
    dial = np.full((len(levels), 1), power / POWER_UNITS, np.float32)
    return np.concatenate([rooted, restored.zero, LEVEL_SCALE * levels, dial], axis=1, dtype=np.float32)


def repaired(coefficients: np.ndarray, units: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Coefficients [F, N] after gains and additions of the network's `output` [F, OUTPUTS]; what is added is in `units` [F, N]."""
    gain, added = output[:, :HOP], output[:, HOP:]
    return coefficients * np.exp(MOST_GAIN * np.tanh(gain / MOST_GAIN)) + units * added


class Synthesis:
    """The network of the ONNX file that `read` gives; `begin` a sound with it."""

    def __init__(self, read: Callable[[], bytes], name: str):
        self.read, self._name = read, name

    @cached_property
    def graph(self) -> Graph:
        """Made when first needed: who only encodes does not wait for it. What was read is not kept, the graph has its own."""
        return Graph(self.read(), self._name)

    @property
    def memory(self) -> int:
        """Frames back to which it remembers."""
        return sum(state.shape[-1] for state in self.graph.silence())

    def begin(self) -> "Passage":
        return Passage(self)


def load_synthesis(path: Path | None = None) -> Synthesis | None:
    """That of the model in the file or folder `path`, or the shipped one; None where a model has none."""
    folder = SHIPPED.parent if path is None else Path(path) if Path(path).is_dir() else Path(path).parent
    file = folder / FILE_NAME
    return Synthesis(partial(_read, file), str(file)) if file.exists() else None


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{file}: cannot be read ({error.strerror}); mend its permissions, or put it elsewhere to decode without it"
        ) from error


class Passage:
    """One sound on its way through the network."""

    def __init__(self, synthesis: Synthesis):
        self._graph, self._name = synthesis.graph, synthesis._name
        self._state = self._graph.silence()
        self._held = np.zeros((3, LOOK_AHEAD, HOP), np.float32)

    def push(self, restored: Restored, levels: np.ndarray, power: int) -> np.ndarray:
        """Coefficients [F, N], LOOK_AHEAD frames behind the F frames that enter: the last of those before, then all but the last of these."""
        return self._pass(features(restored, levels, power), restored.coefficients, restored.units)

    def leave(self, coefficients: np.ndarray) -> np.ndarray:
        """The same for `coefficients` [F, N] that were not decoded, and stay as they are."""
        return self._pass(np.zeros((len(coefficients), INPUTS), np.float32), coefficients, None)

    def _pass(self, told: np.ndarray, coefficients: np.ndarray, units: np.ndarray | None) -> np.ndarray:
        output, self._state = self._graph.step(told.T[None], self._state)
        if output.shape != (1, OUTPUTS, len(told)) or not np.isfinite(output).all():
            raise ModelError(f"{self._name}: gives no gains for its frames; install telucodec or write the model again")
        changed = np.full_like(coefficients, units is not None)
        entering = np.stack([coefficients, np.zeros_like(coefficients) if units is None else units, changed])
        held = np.concatenate([self._held, entering], axis=1)
        self._held = held[:, len(told) :]
        before, units, changed = held[:, : len(told)]
        return np.where(changed, repaired(before, units, output[0].T), before)
