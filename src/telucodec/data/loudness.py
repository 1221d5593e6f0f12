"""How loud a stretch of a FLAC file is, read in windows so that its length does not matter."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from telucodec.audio.media import SAMPLE_RATE
from telucodec.errors import DataError

FULL_SCALE = 32767 / 32768
"""Magnitude from which a 16-bit sample counts as clipped."""

SILENT_PEAK = 0.5 / 32768
"""Below it all samples are zero in 16 bits."""

WINDOW_SAMPLES = 60 * SAMPLE_RATE


@dataclass(frozen=True)
class Measures:
    """What a manifest says of a stretch of sound."""

    num_samples: int
    rms: float
    """Root of the mean square; full scale is 1."""
    peak: float
    """Largest magnitude; full scale is 1."""
    clipped_share: float
    """Share of samples at full scale, 0 to 1."""


class Meter:
    """Measures a sound that passes by in pieces."""

    def __init__(self) -> None:
        self.num_samples = self.num_clipped = 0
        self.energy = self.peak = 0.0

    def hear(self, wave: np.ndarray) -> None:
        """Take the next piece, wave [T] of 16-bit samples, full scale at 1."""
        magnitudes = np.abs(wave)
        self.num_samples += len(wave)
        self.energy += float(np.square(wave, dtype=np.float64).sum())
        self.peak = max(self.peak, float(magnitudes.max(initial=0.0)))
        self.num_clipped += int((magnitudes >= FULL_SCALE).sum())

    @property
    def measures(self) -> Measures:
        """What was measured so far."""
        count = max(self.num_samples, 1)
        return Measures(self.num_samples, (self.energy / count) ** 0.5, self.peak, self.num_clipped / count)


def measure(path: Path, start: int = 0, num_samples: int = -1) -> Measures:
    """Decode `num_samples` samples of `path` from `start` on, all of them where -1, and measure them.

    Raises DataError where that is not 16 kHz mono sound of that length.
    """
    meter = Meter()
    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:
            if (file.samplerate, file.channels) != (SAMPLE_RATE, 1):
                raise DataError(
                    f"{path}: is of {file.samplerate} Hz and {file.channels} channels, not {SAMPLE_RATE} Hz mono; import it again"
                )
            left = file.frames - start if num_samples < 0 else num_samples
            if not 0 <= start <= start + left <= file.frames:
                raise DataError(f"{path}: ends at {file.frames / SAMPLE_RATE:.2f} s, before its row does; import it again")
            file.seek(start)
            while left > 0:
                wave = file.read(min(left, WINDOW_SAMPLES), dtype="float32")  # [T]
                if not len(wave):
                    raise DataError(f"{path}: breaks off at {(start + meter.num_samples) / SAMPLE_RATE:.2f} s; import it again")
                meter.hear(wave)
                left -= len(wave)
    except soundfile.SoundFileError as error:
        raise DataError(f"{path}: is missing or cannot be decoded; import it again") from error
    return meter.measures
