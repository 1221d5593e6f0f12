"""A stretch of a 16 kHz mono FLAC file, read in windows so that its length does not matter, and where the sound of a row lies."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from telucodec.audio.media import LOUDEST, SAMPLE_RATE
from telucodec.data.manifest import Segment
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


@dataclass(frozen=True)
class Span:
    """A stretch of a file that is there."""

    path: Path
    """Absolute, with links followed."""
    first: int
    num_samples: int
    file_samples: int

    @property
    def is_whole_file(self) -> bool:
        return self.num_samples == self.file_samples

    def windows(self) -> Iterator[np.ndarray]:
        """Yield its sound as float32 [1, T] windows. Raises DataError where the file is damaged."""
        return (wave[None] for wave in stream_span(self.path, self.first, self.num_samples))


def span_of(row: Segment, root: Path) -> Span:
    """Return where the sound of `row` lies, whose file is below `root`. Raises DataError where it is not there."""
    path = Path(os.path.realpath(Path(root) / row.path))
    try:
        facts = soundfile.info(os.fsencode(path))
    except soundfile.SoundFileError as error:
        raise DataError(f"{printable(path)}: is missing or cannot be read; `telucodec manifest check` lists all such files") from error
    if (facts.samplerate, facts.channels) != (SAMPLE_RATE, 1):
        raise DataError(f"{printable(path)}: is not the {SAMPLE_RATE} Hz mono file of its manifest; extract or import it again")
    first, num_samples = row.span
    if first < 0 or num_samples < 1 or first + num_samples > facts.frames:
        raise DataError(
            f"{printable(path)}: its row lasts from {row.start_s:g} s for {row.duration_s:g} s, the file only "
            f"{facts.frames / SAMPLE_RATE:g} s; `telucodec manifest check` lists all such rows"
        )
    return Span(path, first, num_samples, facts.frames)
