"""Lyra v2 (Google, 2022; SoundStream, arXiv:2107.03312): neural, 16 kHz, 3.2 to 9.2 kbps, from its three TensorFlow Lite files.

They are Google's (github.com/google/lyra, lyra/model_coeffs, Apache-2.0) and do not come with this package: the environment variable
TELUCODEC_LYRA names the folder they lie in.
"""

import hashlib
import os
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np

from telucodec.errors import TelucodecError
from telucodec.evaluation.baselines.frames import to_frames, to_wave
from telucodec.evaluation.baselines.library import of_python
from telucodec.evaluation.baselines.peer import Peer
from telucodec.evaluation.contender import Contender

FRAME = 320
"""Samples, 20 ms."""

STAGES = {3.2: 16, 6.0: 30, 9.2: 46}
"""kbps -> stages of the residual quantizer, of 4 bits each."""

ALL_STAGES, BITS_PER_STAGE = 46, 4

DELAY = 0
"""Samples by which the output comes late: none at any of its rates."""

FILES = ("soundstream_encoder.tflite", "quantizer.tflite", "lyragan.tflite")


@dataclass(frozen=True)
class LyraClip:
    """The codes of one wave."""

    codes: np.ndarray
    """uint8 [F, stages]; each below 16."""
    num_samples: int


def folder() -> Path:
    """Where the models lie. Raises TelucodecError where that is not said, or they or what runs them are missing."""
    found = os.environ.get("TELUCODEC_LYRA", "")
    lacking = [name for name in FILES if not (Path(found) / name).is_file()]
    if not found or lacking:
        where = f"TELUCODEC_LYRA={found} lacks {', '.join(lacking)}" if found else "TELUCODEC_LYRA is not set"
        raise TelucodecError(f"{where}: point it at a copy of lyra/model_coeffs of github.com/google/lyra")
    try:
        import_module("ai_edge_litert.interpreter")
    except ImportError as error:
        raise TelucodecError('ai-edge-litert is not installed: pip install "telucodec[peers]"') from error
    return Path(found).resolve()


def _interpreter(path: Path):
    """A network with its state at silence: one for each wave."""
    return import_module("ai_edge_litert.interpreter").Interpreter(str(path), num_threads=1)


def encode_lyra(wave: np.ndarray, stages: int, models: Path) -> LyraClip:
    """Encode float32 [1, T] at 16 kHz."""
    analyse = _interpreter(models / FILES[0]).get_signature_runner("serving_default")
    quantize = _interpreter(models / FILES[1]).get_signature_runner("encode")
    codes = []
    for frame in to_frames(wave, FRAME, DELAY):
        features = analyse(input_audio=frame[None].astype(np.float32) / 32768)["output_0"]  # [1, 1, 64]
        found = quantize(input_frames=features, num_quantizers=np.int32(stages))
        codes.append(next(value for value in found.values() if value.dtype == np.int32).reshape(-1)[:stages])
    return LyraClip(np.array(codes, np.uint8), wave.shape[-1])


def decode_lyra(clip: LyraClip, models: Path) -> np.ndarray:
    """Decode to float32 [1, T] at 16 kHz."""
    look_up = _interpreter(models / FILES[1]).get_signature_runner("decode")
    synthesise = _interpreter(models / FILES[2]).get_signature_runner("serving_default")
    pieces = []
    for codes in clip.codes:
        indices = np.full((ALL_STAGES, 1, 1), -1, np.int32)  # a stage that was not sent is -1
        indices[: len(codes), 0, 0] = codes
        pieces.append(synthesise(input_audio=look_up(encoding_indices=indices)["output_0"])["output_0"][0])
    return to_wave(np.concatenate(pieces), DELAY, clip.num_samples)


def payload_bytes(clip: LyraClip) -> int:
    """Bytes of the codes' bits, end to end."""
    return -(-clip.codes.size * BITS_PER_STAGE // 8)


def _library(models: Path) -> str:
    """What runs the three files, and which they are: they have no version of their own."""
    content = hashlib.sha256(b"".join(hashlib.sha256((models / name).read_bytes()).digest() for name in FILES))
    return f"{of_python('ai-edge-litert')}, models {content.hexdigest()[:8]}"


def lyra(kbps: float) -> Contender:
    """Lyra v2 at one of its three rates. Raises TelucodecError where `folder` does."""
    models = folder()
    return Contender(
        name=f"lyra_{kbps:g}",
        label=f"Lyra v2 {kbps:g} kbps",
        family="Lyra v2",
        encode=partial(encode_lyra, stages=STAGES[kbps], models=models),
        decode=partial(decode_lyra, models=models),
        num_bytes=payload_bytes,
        library=partial(_library, models=models),
        note="no delay to take out",
    )


PEER = Peer("lyra", "Lyra v2", tuple(STAGES), lyra, folder)
