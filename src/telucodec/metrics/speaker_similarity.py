"""Whether it is still the same voice: cosine of two d-vectors (GE2E, Wan et al., arXiv:1710.10467), as the package `resemblyzer` ships the network.

The network is Resemblyzer's (Apache-2.0), trained on English; three LSTM layers on 40 mel bands of power, the last state of every stretch of
1.6 s through a linear layer, rectified and brought to length 1, then averaged. The package's own code is left aside, since it needs torch and
librosa; silences are not cut out, which it leaves to its caller. Its file is a pickle: `_Tensors` reads tensors from it and nothing else.
"""

import pickle
from collections import OrderedDict
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

import numpy as np

from telucodec.audio.mel import slaney_bands
from telucodec.metrics.metric import SAMPLE_RATE, Metric, NotMeasured, require_length, require_sound

BANDS, WINDOW, HOP = 40, 400, 160
FRAMES = 160
"""Of a stretch."""
FRAMES_APART = 77
"""From one stretch to the next, 1.3 a second."""
LEAST_HEARD = 0.75
"""Of the last stretch, or it is left out."""
LAYERS, HIDDEN = 3, 256
LEVEL = 10 ** (-30 / 20)
"""RMS that a quieter sound is brought to; the network hears power, not its logarithm."""


def speaker_similarity(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Waves [T] -> cosine, at most 1. Raises NotMeasured for silence, less than a second, or without the package."""
    network = _network()
    require_length(reference, 1.0)
    require_sound("original", reference)
    require_sound("output", estimate)
    return float(_voice(reference, network) @ _voice(estimate, network))


def _voice(wave: np.ndarray, network: dict[str, np.ndarray]) -> np.ndarray:
    """Wave [T] -> float32 [HIDDEN] of length 1."""
    wave = wave * max(1.0, LEVEL / np.sqrt(np.mean(np.square(wave))))
    frames = _mel_power(wave.astype(np.float32))
    starts = [0, *range(FRAMES_APART, max(1, len(frames) - FRAMES + FRAMES_APART), FRAMES_APART)]
    if len(starts) > 1 and len(frames) - starts[-1] < LEAST_HEARD * FRAMES:
        starts.pop()
    frames = np.pad(frames, ((0, max(0, starts[-1] + FRAMES - len(frames))), (0, 0)))
    sequence = np.stack([frames[start : start + FRAMES] for start in starts], axis=1)  # [FRAMES, stretches, BANDS]
    for layer in range(LAYERS):
        sequence = _lstm(sequence, *(network[f"lstm.{name}_l{layer}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")))
    stretches = np.maximum(0, sequence[-1] @ network["linear.weight"].T + network["linear.bias"])
    voice = np.mean(stretches / np.maximum(np.linalg.norm(stretches, axis=1, keepdims=True), 1e-9), axis=0)
    return voice / max(float(np.linalg.norm(voice)), 1e-9)


def _mel_power(wave: np.ndarray) -> np.ndarray:
    """Wave [T] -> power in mel bands float32 [F, BANDS], a frame around every hop."""
    padded = np.pad(wave, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(WINDOW + 1)[:-1])))
    return (power @ slaney_bands(SAMPLE_RATE, WINDOW, BANDS).T).astype(np.float32)


def _lstm(sequence: np.ndarray, inward: np.ndarray, onward: np.ndarray, first_bias: np.ndarray, second_bias: np.ndarray) -> np.ndarray:
    """Sequence [F, B, D] -> states [F, B, HIDDEN]; gates in torch's order: input, forget, cell, output."""
    told = sequence @ inward.T + (first_bias + second_bias)
    state = cell = np.zeros((sequence.shape[1], HIDDEN), np.float32)
    states = []
    for frame in told:
        gates = frame + state @ onward.T
        opened = 0.5 + 0.5 * np.tanh(0.5 * gates)  # the logistic function
        cell = opened[:, HIDDEN : 2 * HIDDEN] * cell + opened[:, :HIDDEN] * np.tanh(gates[:, 2 * HIDDEN : 3 * HIDDEN])
        state = opened[:, 3 * HIDDEN :] * np.tanh(cell)
        states.append(state)
    return np.stack(states)


@cache
def _network() -> dict[str, np.ndarray]:
    """Tensors by name. Raises NotMeasured."""
    spec = find_spec("resemblyzer")  # found, not imported
    if spec is None or spec.origin is None:
        raise NotMeasured("not installed: pip install --no-deps resemblyzer")
    with open(Path(spec.origin).parent / "pretrained.pt", "rb") as file:
        return _tensors(file)


class _Tensors(pickle.Unpickler):
    """Reads a file that torch wrote before version 1.6: pickles that describe tensors, then their numbers. Nothing else is made of it."""

    def __init__(self, file: BinaryIO):
        super().__init__(file)
        self.storages: dict[str, np.ndarray] = {}

    def find_class(self, module: str, name: str) -> object:
        allowed = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch", "FloatStorage"): np.float32,
            ("torch._utils", "_rebuild_tensor_v2"): lambda storage, offset, shape, *_: (storage, offset, shape),
        }
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a tensor")
        return allowed[module, name]

    def persistent_load(self, identity: tuple) -> np.ndarray:
        _, kind, key, _, size, _ = identity
        return self.storages.setdefault(key, np.zeros(size, kind))


def _tensors(file: BinaryIO) -> dict[str, np.ndarray]:
    for _ in range(3):  # magic number, version of the protocol, sizes of the machine's numbers
        _Tensors(file).load()
    described = _Tensors(file)
    found = described.load()["model_state"]
    for key in _Tensors(file).load():
        storage = described.storages[key]
        file.read(8)  # its size once more
        storage[:] = np.frombuffer(file.read(storage.nbytes), storage.dtype)
    return {name: storage[offset : offset + int(np.prod(shape))].reshape(shape) for name, (storage, offset, shape) in found.items()}


METRIC = Metric(
    "speaker_similarity",
    "speaker similarity",
    "",
    3,
    "higher",
    "How much the voice stays the speaker's own, as a network that tells speakers apart hears it (Resemblyzer), 1 at most.",
    speaker_similarity,
)
