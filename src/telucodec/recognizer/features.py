"""Log-mel frames of sound, in numpy, so that training and every later use see the same numbers.

A power spectrum each hop, mel bands after Slaney (librosa's default formula), decibel-like logarithm with a floor 80 dB below the clip's
loudest band (Whisper, arXiv:2212.04356, its code's log_mel_spectrogram), then mean 0 and deviation 1 for each band over the clip.
"""

from functools import cache
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from telucodec.audio.media import SAMPLE_RATE

FLOOR_DECADES = 8.0
"""Of power below the loudest band: what is quieter, as the digital silence of MP3, is one silence."""
LEAST_POWER = 1e-10
FRAMES_A_STEP = 4
"""Frames that the network makes one step of, 40 ms; it says one symbol a step at most."""
LEAST_DEVIATION = 0.1
"""Decades; a band that hardly moves is not blown up."""


class FeatureConfig(BaseModel):
    """Size of frames and bands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_bands: Annotated[int, Field(ge=8, le=128)] = 64
    window: Annotated[int, Field(ge=64, le=4096)] = 400
    """Samples at 16 kHz: 25 ms."""
    hop: Annotated[int, Field(ge=16, le=1600)] = 160
    """Samples: 10 ms."""
    transform: Annotated[int, Field(ge=64, le=4096)] = 512
    """Points of the Fourier transform, `window` or more."""

    def num_frames(self, num_samples: int) -> int:
        """Frames of so many samples: one around every hop."""
        return 1 + num_samples // self.hop

    def apply_to(self, wave: np.ndarray) -> np.ndarray:
        """Frames float32 [F, M] of wave [T] at 16 kHz; F is `num_frames(T)`."""
        half = self.window // 2
        padded = np.pad(wave.astype(np.float32), (half, half + self.hop))
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.window)[:: self.hop][: self.num_frames(len(wave))]
        window = np.hanning(self.window + 1)[:-1].astype(np.float32)
        power = np.square(np.abs(np.fft.rfft(frames * window, self.transform))).astype(np.float32)  # [F, bins]
        bands = np.log10(np.maximum(power @ mel_bands(self.num_bands, self.transform).T, LEAST_POWER))
        bands = np.maximum(bands, bands.max() - FLOOR_DECADES)
        return ((bands - bands.mean(axis=0)) / np.maximum(bands.std(axis=0), LEAST_DEVIATION)).astype(np.float32)


def steps_of(num_frames):
    """Steps that come of so many frames, a number or an array of them."""
    return (num_frames + FRAMES_A_STEP - 1) // FRAMES_A_STEP


@cache
def mel_bands(num_bands: int, transform: int) -> np.ndarray:
    """Triangles float32 [M, bins] of equal area, evenly spaced in mel from 20 Hz to the highest frequency."""
    edges = _hertz(np.linspace(_mel(np.array(20.0)), _mel(np.array(SAMPLE_RATE / 2)), num_bands + 2))
    bins = np.linspace(0, SAMPLE_RATE / 2, transform // 2 + 1)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    return (np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def _mel(hertz: np.ndarray) -> np.ndarray:
    """Slaney's scale: straight up to 1 kHz, then 27 steps an increase of 6.4 times."""
    return np.where(hertz < 1000, hertz * 3 / 200, 15 + 27 * np.log(np.maximum(hertz, 1000) / 1000) / np.log(6.4))


def _hertz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))
