"""Where in its file the sound of a row lies, in samples, once it is known to be there."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.manifest import Segment
from telucodec.data.spans import stream_span
from telucodec.errors import DataError
from telucodec.files import printable


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
