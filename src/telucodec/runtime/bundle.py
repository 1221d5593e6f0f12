"""A trained codec of discrete codes as a product gets it: two ONNX graphs and what to know of them. No PyTorch, nothing that can run code.

`bundle.json` says rates and sizes, `encoder.onnx` turns windows of waveform into codes, `decoder.onnx` codes into waveform; both take
what they remember as inputs and give it back as outputs.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
import onnxruntime
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from telucodec.errors import ModelError

FILE_NAME = "bundle.json"
ENCODER, DECODER = "encoder.onnx", "decoder.onnx"
FORMAT = "telucodec vq bundle 1"


class BundleInfo(BaseModel):
    """What `bundle.json` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = FORMAT
    sample_rate: Annotated[int, Field(ge=8_000, le=48_000)]
    """Hz."""
    hop: Annotated[int, Field(ge=1, le=48_000)]
    """Samples a frame stands for."""
    delay: Annotated[int, Field(ge=0, le=64)]
    """Frames by which the output lags."""
    memory: Annotated[int, Field(ge=0, le=100_000)]
    """Frames back to which the decoder remembers; it starts so much earlier when it starts in the middle."""
    num_codebooks: Annotated[int, Field(ge=1, le=255)]
    codebook_size: Annotated[int, Field(ge=2, le=4096)]

    @property
    def kbps_per_codebook(self) -> float:
        """Bits of its codes before packets, each at the logarithm of the codebook's size."""
        return float(np.log2(self.codebook_size) * self.sample_rate / self.hop / 1000)


@dataclass(frozen=True)
class Bundle:
    """A folder's contents, whole in memory."""

    folder: Path
    info: BundleInfo
    encoder: bytes
    decoder: bytes

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that decides what a file decodes to, in hexadecimal."""
        return hashlib.sha256(self.info.model_dump_json().encode() + self.encoder + self.decoder).hexdigest()

    @property
    def identity(self) -> bytes:
        """First four bytes of the digest."""
        return bytes.fromhex(self.digest[:8])


def load_bundle(folder: Path) -> Bundle:
    """The bundle in `folder`. Raises ModelError for anything else than a whole one."""
    folder = Path(folder)
    try:
        info = BundleInfo.model_validate_json((folder / FILE_NAME).read_bytes())
        bundle = Bundle(folder, info, (folder / ENCODER).read_bytes(), (folder / DECODER).read_bytes())
    except OSError as error:
        raise ModelError(f"{error.filename}: cannot be read ({error.strerror}); pass the folder that `telucodec optimize` wrote") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        raise ModelError(f"{folder / FILE_NAME}: {wrong}; write it again with `telucodec optimize`") from error
    if info.format != FORMAT:
        raise ModelError(
            f"{folder / FILE_NAME}: is of the format {info.format!r}, this program reads {FORMAT!r}; install a newer telucodec"
        )
    return bundle


class Graph:
    """One ONNX graph of a bundle, run on one thread; its first input and output are signals, the others what it remembers."""

    def __init__(self, content: bytes, name: str):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises many kinds for a graph it cannot run
            raise ModelError(
                f"{name}: is no graph that can be run ({str(error).splitlines()[0]}); write it again with `telucodec optimize`"
            ) from error
        self._inputs = self._session.get_inputs()

    def silence(self) -> list[np.ndarray]:
        """What it remembers after endless silence."""
        return [np.zeros(state.shape, np.float32) for state in self._inputs[1:]]

    def step(self, signal: np.ndarray, state: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        """Output for `signal` that follows `state`, and the state after it."""
        named = dict(zip([taken.name for taken in self._inputs], [signal, *state], strict=True))
        output, *after = self._session.run(None, named)
        return output, after
