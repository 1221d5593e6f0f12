"""What a learned network is told of decoded frames, and what it does to them before they become sound: one for each mode, and one for live packets.

In natural mode the synthesis gives a gain for every coefficient, and something to add to it. In fidelity mode the refinement adds alone,
to the lower bins, where waveform is worth bits. All is relative to the steps that coefficients were quantised with, so no network ever
knows how loud a file is. Both look one frame ahead: what leaves them is one frame behind what enters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from telucodec.errors import ModelError
from telucodec.runtime.bundle import Graph
from telucodec.runtime.envelope import BANDS, POWER_UNITS
from telucodec.runtime.model import HOP, SCALES, WEIGHTS
from telucodec.runtime.quantise import Restored

INPUTS, OUTPUTS = 2 * HOP + BANDS + 1, 2 * HOP
LEVEL_SCALE = 1 / 8
MOST_GAIN = 2.0
"""Natural logarithm of the largest change of a coefficient: 17 dB up or down."""
FURTHEST = 1.0
"""Steps by which a file's coefficient may be moved: integers hardly ever lie further from what they stand for. Gains of a few percent are more than that where steps are fine."""
REFINED = 192
"""Bins that fidelity mode refines: up to 4.8 kHz."""
LOOK_AHEAD = 1
"""Frames."""
TOGETHER = 50
"""Frames that pass a network together: more take memory, and no less time."""


def rooted(values: np.ndarray) -> np.ndarray:
    """Coefficients in steps, any shape, with the magnitude's root."""
    return np.sign(values) * np.sqrt(np.abs(values))


def features(restored: Restored, power: int) -> np.ndarray:
    """What the synthesis is told of frames, float32 [F, INPUTS]: coefficients in steps, which were zero, levels, power."""
    dial = np.full((len(restored.levels), 1), power / POWER_UNITS, np.float32)
    return np.concatenate([rooted(restored.values), restored.zero, LEVEL_SCALE * restored.levels, dial], axis=1, dtype=np.float32)


def repaired(coefficients: np.ndarray, units: np.ndarray, steps: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Coefficients [F, N] after gains and additions of the synthesis' `output` [F, OUTPUTS]; what is added is in `units` [F, N]."""
    gain, added = output[:, :HOP], output[:, HOP:]
    return coefficients * np.exp(MOST_GAIN * np.tanh(gain / MOST_GAIN)) + units * added


def repaired_within(coefficients: np.ndarray, units: np.ndarray, steps: np.ndarray, output: np.ndarray) -> np.ndarray:
    """The same, moved by no more than FURTHEST of their `steps` [F, N]."""
    moved = repaired(coefficients, units, steps, output)
    moved -= coefficients
    reach = FURTHEST * steps
    return coefficients + moved.clip(-reach, reach, out=moved)


def lower_features(restored: Restored, power: int) -> np.ndarray:
    """What the refinement is told of frames, float32 [F, 4 REFINED]: coefficients in steps, which were zero, how large they were expected to be, which the second quantiser read."""
    parts = rooted(restored.values[:, :REFINED]), restored.zero, restored.scales / np.float32(SCALES), restored.second
    return np.concatenate([part[:, :REFINED] for part in parts], axis=1, dtype=np.float32)


def refined(coefficients: np.ndarray, units: np.ndarray, steps: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Coefficients [F, N] after the refinement's `output` [F, REFINED] is added, in `units` [F, N]."""
    moved = coefficients.copy()
    moved[:, :REFINED] += units[:, :REFINED] * output
    return moved


@dataclass(frozen=True)
class Use:
    """What a mode's network is for."""

    file_name: str
    outputs: int
    inputs: int
    features: Callable[[Restored, int], np.ndarray]
    apply: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


USES = {
    "natural": Use("synthesis.onnx", OUTPUTS, INPUTS, features, repaired_within),
    "fidelity": Use("refinement.onnx", REFINED, 4 * REFINED, lower_features, refined),
    "live": Use("live.onnx", OUTPUTS, INPUTS, features, repaired),
}


class Synthesis:
    """The network of the ONNX file that `read` gives, for a mode's use; `begin` a sound with it."""

    def __init__(self, read: Callable[[], bytes], name: str, mode: str = "natural"):
        self.read, self._name, self.use = read, name, USES[mode]

    @cached_property
    def graph(self) -> Graph:
        """Made when first needed: who only encodes does not wait for it. What was read is not kept, the graph has its own."""
        return Graph(self.read(), self._name, "telucodec build")

    @property
    def memory(self) -> int:
        """Frames back to which it remembers."""
        return sum(state.shape[-1] for state in self.graph.silence())

    def begin(self) -> "Passage":
        return Passage(self)


Syntheses = Mapping[str, Synthesis]
"""Networks by mode, and "live" for packets of natural mode; what has none decodes plainly."""


def model_folder(path: Path | None) -> Path:
    """Where the files of the model in the file or folder `path`, or of the shipped one, lie."""
    return WEIGHTS if path is None else Path(path) if Path(path).is_dir() else Path(path).parent


def load_syntheses(path: Path | None = None) -> Syntheses:
    """Those of the model in the file or folder `path`, or the shipped ones."""
    folder = model_folder(path)
    files = {mode: folder / use.file_name for mode, use in USES.items()}
    return {mode: Synthesis(partial(_read, file), str(file), mode) for mode, file in files.items() if file.exists()}


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{file}: cannot be read ({error.strerror}); mend its permissions, or put it elsewhere to decode without it"
        ) from error


class Passage:
    """One sound on its way through a network."""

    def __init__(self, synthesis: Synthesis):
        self._graph, self._name, self._use = synthesis.graph, synthesis._name, synthesis.use
        self._state = self._graph.silence()
        self._held = np.zeros((4, LOOK_AHEAD, HOP), np.float32)

    def push(self, frames: Restored, power: int) -> np.ndarray:
        """Coefficients [F, N], LOOK_AHEAD frames behind the F `frames` that enter: the last of those before, then all but the last of these.

        Frames that were made up stay as they are.
        """
        coefficients = frames.coefficients
        told = self._use.features(frames, power) if frames.known else np.zeros((len(coefficients), self._use.inputs), np.float32)
        output = np.concatenate([self._step(told[first : first + TOGETHER]) for first in range(0, len(told), TOGETHER)], axis=-1)
        if output.shape != (1, self._use.outputs, len(told)) or not np.isfinite(output).all():
            raise ModelError(f"{self._name}: gives no gains for its frames; install telucodec or write the model again")
        entering = np.empty((4, *coefficients.shape), np.float32)
        entering[0], entering[1], entering[2], entering[3] = coefficients, frames.units, frames.steps, frames.known
        held = np.concatenate([self._held, entering], axis=1)
        self._held = held[:, len(told) :]
        before, units, steps, changes = held[:, : len(told)]
        return np.where(changes, self._use.apply(before, units, steps, output[0].T), before)

    def _step(self, told: np.ndarray) -> np.ndarray:
        """Output [1, O, F] for features [F, I]."""
        output, self._state = self._graph.step(told.T[None], self._state)
        return output
