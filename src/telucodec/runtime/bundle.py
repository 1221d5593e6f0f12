"""A trained codec of discrete codes as a product gets it: two ONNX graphs and what to know of them. No PyTorch, nothing that can run code.

`bundle.json` says rates and sizes, `encoder.onnx` turns windows of waveform into codes, `decoder.onnx` codes into waveform; both take
what they remember as inputs and give it back as outputs. `codes.safetensors`, where there is one, tells how likely codes are.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from telucodec.config import every_fault
from telucodec.errors import ModelError

FILE_NAME = "bundle.json"
ENCODER, DECODER, CODES = "encoder.onnx", "decoder.onnx", "codes.safetensors"
FORMAT = "telucodec vq bundle 1"
MOST_REMEMBERED = 1 << 26
"""Numbers of a graph's state: 256 MB; codecs remember some thousands."""
_OTHER_FILES = "session.model_external_initializers_file_folder_path"
"""Where onnxruntime looks for parameters that a graph says are in a file; older than 1.24, it reads such from any place."""


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
    kbps: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = ()
    """What the codes of the first 1, 2 ... codebooks took of validation sounds; empty where each code takes the same bits."""

    @model_validator(mode="after")
    def _kbps_of_each(self) -> "BundleInfo":
        if self.kbps and len(self.kbps) != self.num_codebooks:
            raise ValueError(f"kbps names {len(self.kbps)} rates for {self.num_codebooks} codebooks")
        return self

    def kbps_of(self, count: int) -> float:
        """Usual kbit/s of the codes of the first `count` codebooks, before packets."""
        return self.kbps[count - 1] if self.kbps else count * math.log2(self.codebook_size) * self.sample_rate / self.hop / 1000


@dataclass(frozen=True)
class Bundle:
    """A folder's contents, whole in memory."""

    folder: Path
    info: BundleInfo
    encoder: bytes
    decoder: bytes
    codes: bytes = b""
    """Nothing where each code takes the same bits."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the SHA-256 of each file, in hexadecimal: all that decides what a file decodes to."""
        parts = (self.info.model_dump_json().encode(), self.encoder, self.decoder, self.codes)
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()

    @property
    def identity(self) -> bytes:
        """First four bytes of the digest."""
        return bytes.fromhex(self.digest[:8])


def load_bundle(folder: Path) -> Bundle:
    """The bundle in `folder`. Raises ModelError for anything else than a whole one."""
    folder = Path(folder)
    try:
        told = json.loads((folder / FILE_NAME).read_bytes())
        if not isinstance(told, dict) or told.get("format") != FORMAT:  # before all else: another format may say other things
            found = told.get("format") if isinstance(told, dict) else None
            raise ModelError(f"{folder / FILE_NAME}: is of the format {found!r}, this program reads {FORMAT!r}; install a newer telucodec")
        info = BundleInfo.model_validate(told)
        codes = folder / CODES
        return Bundle(
            folder, info, (folder / ENCODER).read_bytes(), (folder / DECODER).read_bytes(), codes.read_bytes() if codes.exists() else b""
        )
    except OSError as error:
        raise ModelError(f"{error.filename}: cannot be read ({error.strerror}); pass the folder that `telucodec optimize` wrote") from error
    except ValidationError as error:
        raise ModelError(f"{folder / FILE_NAME}: {every_fault(error)}; write it again with `telucodec optimize`") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{folder / FILE_NAME}: is no JSON ({error}); write it again with `telucodec optimize`") from error


class Graph:
    """One ONNX graph of a bundle, run on one thread; its first input and output are signals, the others what it remembers."""

    def __init__(self, content: bytes, name: str, verb: str = "telucodec optimize"):
        """`name` is what errors call it, `verb` what writes it."""
        import onnxruntime  # 18 MiB, and not every file needs it

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what it has to say is raised
        options.add_session_config_entry(_OTHER_FILES, __file__)  # what is no folder holds none: a graph is all in `content`
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises many kinds for a graph it cannot run
            raise ModelError(f"{name}: is no graph that can be run ({str(error).splitlines()[0]}); write it again with `{verb}`") from error
        self._name, self._verb, self._inputs = name, verb, self._session.get_inputs()
        remembered = [_numbers(state.shape) if state.type == "tensor(float)" and state.shape else math.inf for state in self._inputs[1:]]
        if not self._inputs or len(self._session.get_outputs()) != len(self._inputs) or sum(remembered) > MOST_REMEMBERED:
            raise ModelError(f"{name}: takes or gives other signals than it should; write it again with `{verb}`")

    def silence(self) -> list[np.ndarray]:
        """What it remembers after endless silence."""
        return [np.zeros(state.shape, np.float32) for state in self._inputs[1:]]

    def step(self, signal: np.ndarray, state: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        """Output for `signal` that follows `state`, and the state after it."""
        named = dict(zip([taken.name for taken in self._inputs], [signal, *state], strict=True))
        try:
            output, *after = self._session.run(None, named)
        except Exception as error:  # as above
            raise ModelError(f"{self._name}: does not run ({str(error).splitlines()[0]}); write it again with `{self._verb}`") from error
        if not isinstance(output, np.ndarray) or not output.ndim or output.dtype.kind not in "fi":
            raise ModelError(f"{self._name}: gives something else than signals; write it again with `{self._verb}`")
        return output, after


def _numbers(shape: list[Any]) -> float:
    """How many numbers a tensor of that shape holds, infinite where it does not say."""
    return math.prod(shape) if all(isinstance(size, int) and size >= 0 for size in shape) else math.inf
