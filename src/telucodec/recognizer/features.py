"""Log-mel frames of sound, in numpy, so that training and every later use see the same numbers.

A power spectrum each hop, mel bands after Slaney (librosa's default formula), decibel-like logarithm with a floor 80 dB below the clip's
loudest band (Whisper, arXiv:2212.04356, its code's log_mel_spectrogram), then mean 0 and deviation 1 for each band over the clip.
"""

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.mel import slaney_bands

FLOOR_DECADES = 8.0
"""Of power below the loudest band: what is quieter, as the digital silence of MP3, is one silence."""
LEAST_POWER = 1e-10
LOWEST_HZ = 20.0
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

    @model_validator(mode="after")
    def _whole_windows(self) -> "FeatureConfig":
        if self.window > self.transform:
            raise ValueError("transform must be window or more, or windows would be cut")
        return self

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
        bands = np.log10(np.maximum(power @ slaney_bands(SAMPLE_RATE, self.transform, self.num_bands, LOWEST_HZ).T, LEAST_POWER))
        bands = np.maximum(bands, bands.max() - FLOOR_DECADES)
        return ((bands - bands.mean(axis=0)) / np.maximum(bands.std(axis=0), LEAST_DEVIATION)).astype(np.float32)


def steps_of(num_frames):
    """Steps that come of so many frames, a number or an array of them."""
    return (num_frames + FRAMES_A_STEP - 1) // FRAMES_A_STEP
