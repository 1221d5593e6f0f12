"""A stretch of a 16 kHz mono FLAC file, read in windows so that its length does not matter."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from telucodec.audio.media import LOUDEST, SAMPLE_RATE
from telucodec.errors import DataError
from telucodec.files import printable

WINDOW_SAMPLES = 20 * SAMPLE_RATE


def stream_span(path: Path, start: int = 0, num_samples: int = -1) -> Iterator[np.ndarray]:
    """Yield `num_samples` samples of `path` from `start` on, all of them where -1, as float32 windows [T].

    Raises DataError, while iterating, where that is not 16 kHz mono sound of that length, or not finite or beyond LOUDEST.
    """
    name = printable(path)
    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:
            if (file.samplerate, file.channels) != (SAMPLE_RATE, 1):
                raise DataError(
                    f"{name}: is of {file.samplerate} Hz and {file.channels} channels, not {SAMPLE_RATE} Hz mono; import it again"
                )
            left = file.frames - start if num_samples < 0 else num_samples
            if not 0 <= start <= start + left <= file.frames:
                raise DataError(f"{name}: ends at {file.frames / SAMPLE_RATE:.2f} s, before its row does; import it again")
            file.seek(start)
            while left > 0:
                wave = file.read(min(left, WINDOW_SAMPLES), dtype="float32")  # [T]
                if not len(wave):
                    raise DataError(f"{name}: breaks off at {file.tell() / SAMPLE_RATE:.2f} s; import it again")
                if not max(wave.max(), -wave.min()) <= LOUDEST:  # NaN is not
                    raise DataError(f"{name}: holds NaN, infinity or what is far beyond full scale, which is 1; import it again")
                left -= len(wave)
                yield wave
    except soundfile.SoundFileError as error:
        raise DataError(f"{name}: is missing or cannot be decoded; import it again") from error


def num_samples_of(path: Path) -> int:
    """Return how many samples `path` holds. Raises DataError where it cannot be read."""
    try:
        return soundfile.info(os.fsencode(path)).frames
    except soundfile.SoundFileError as error:
        raise DataError(f"{printable(path)}: is missing or cannot be decoded; import it again") from error
