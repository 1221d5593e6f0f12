"""How loud a stretch of a FLAC file is, read in windows so that its length does not matter."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.segment import FULL_SCALE
from telucodec.errors import DataError

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


def measure(path: Path, start: int = 0, num_samples: int = -1) -> Measures:
    """Decode `num_samples` samples of `path` from `start` on, all of them where -1, and measure them.

    Raises DataError where that is not 16 kHz mono sound of that length.
    """
    count, energy, peak, clipped = 0, 0.0, 0.0, 0
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
                    raise DataError(f"{path}: breaks off at {(start + count) / SAMPLE_RATE:.2f} s; import it again")
                magnitudes = np.abs(wave)
                energy += float(np.square(wave, dtype=np.float64).sum())
                peak = max(peak, float(magnitudes.max()))
                clipped += int((magnitudes >= FULL_SCALE).sum())
                count, left = count + len(wave), left - len(wave)
    except soundfile.SoundFileError as error:
        raise DataError(f"{path}: is missing or cannot be decoded; import it again") from error
    return Measures(count, (energy / max(count, 1)) ** 0.5, peak, clipped / max(count, 1))
