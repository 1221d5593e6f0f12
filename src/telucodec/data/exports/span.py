"""Where in its file the sound of a row lies, in samples, once it is known to be there."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.manifest import Segment
from telucodec.errors import DataError
from telucodec.files import printable

WINDOW = 10 * SAMPLE_RATE
"""Samples read at a time, so that a row of two hours never lies in memory."""


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
        try:
            with soundfile.SoundFile(os.fsencode(self.path)) as file:
                file.seek(self.first)
                for start in range(0, self.num_samples, WINDOW):
                    size = min(WINDOW, self.num_samples - start)
                    wave = file.read(size, dtype="float32")  # [T]
                    if len(wave) < size:
                        raise DataError(f"{printable(self.path)}: ends before its header says; extract or import it again")
                    yield wave[None]
        except soundfile.SoundFileError as error:
            raise DataError(f"{printable(self.path)}: cannot be read; extract or import it again") from error


def span_of(row: Segment, root: Path) -> Span:
    """Return where the sound of `row` lies, whose file is below `root`. Raises DataError where it is not there."""
    path = (Path(root) / row.path).resolve()
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
