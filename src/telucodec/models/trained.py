"""A trained codec by the word a user has for it, and at work as PyTorch runs it, where there is no bundle."""

import hashlib
from pathlib import Path

import numpy as np
import torch

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.resample import resampled, resampled_to
from telucodec.models.encodec_import import SETTINGS, WEIGHTS, import_encodec
from telucodec.models.one_thread import on_one_thread
from telucodec.models.store import FILE_NAME, load_codec_module
from telucodec.models.vq_codec import VQCodec

ENCODEC = "encodec:"
"""Before a folder with EnCodec's weights, where these are meant."""


def trained_codec(source: str) -> VQCodec:
    """The codec of the run or in the model folder `source`, or EnCodec's where it is encodec:PATH. Raises ModelError."""
    return import_encodec(_encodec(source)) if source.startswith(ENCODEC) else load_codec_module(_model(source))


def digest(source: str) -> str:
    """SHA-256 of the file of that codec, or of EnCodec's two, in hexadecimal."""
    files = [_encodec(source) / name for name in (SETTINGS, WEIGHTS)] if source.startswith(ENCODEC) else [_model(source) / FILE_NAME]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _encodec(source: str) -> Path:
    return Path(source.removeprefix(ENCODEC))


def _model(source: str) -> Path:
    """The model folder of a run, or `source` itself."""
    return Path(source) / "model" if (Path(source) / "model" / FILE_NAME).is_file() else Path(source)


class Trained:
    """Codes of whole sounds at 16 kHz and back, on one thread; a codec at another rate hears them resampled."""

    def __init__(self, codec: VQCodec):
        self.codec, self.sample_rate = codec.eval(), codec.config.sample_rate
        self.num_codebooks, self.codebook_size = codec.quantizer.num_codebooks, codec.quantizer.codebook_size

    @property
    def code_bits(self) -> int:
        """What a code takes at a fixed length."""
        return (self.codebook_size - 1).bit_length()

    def kbps(self, count: int) -> float:
        """Bits of the codes of the first `count` codebooks at a fixed length."""
        return count * self.code_bits * self.codec.config.frame_rate / 1000

    @on_one_thread()
    @torch.inference_mode()
    def encode(self, wave: np.ndarray, count: int) -> np.ndarray:
        """Codes [count, F] of `wave` float32 [1, T]."""
        return self.codec.encode(torch.from_numpy(resampled(wave, SAMPLE_RATE, self.sample_rate))[None])[0, :count].numpy()

    @on_one_thread()
    @torch.inference_mode()
    def decode(self, codes: np.ndarray, num_samples: int) -> np.ndarray:
        """The sound float32 [1, num_samples] of `codes` [count, F]."""
        sent = np.full((self.num_codebooks, codes.shape[1]), self.codebook_size)  # what is not sent adds nothing
        sent[: len(codes)] = codes
        at_own_rate = round(num_samples * self.sample_rate / SAMPLE_RATE)
        wave = self.codec.decode(torch.from_numpy(sent)[None], at_own_rate)[0].numpy()
        return resampled_to(wave, self.sample_rate, SAMPLE_RATE, num_samples)
