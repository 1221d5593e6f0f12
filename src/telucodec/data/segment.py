"""Segments of 2 to 10 s, cut where the recording is quietest, so that words stay whole more often than not.

The cut lies in the quietest 20 ms frame of the last part of each window. Segments follow each other without gap or overlap.
"""

import os
from pathlib import Path

import numpy as np
import soundfile

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.extract import Recording
from telucodec.data.loudness import FULL_SCALE
from telucodec.data.manifest import Segment
from telucodec.errors import DataError

MIN_SAMPLES = 2 * SAMPLE_RATE
SEARCH_SAMPLES = 6 * SAMPLE_RATE
"""Cuts are sought from here on, half way from the shortest segment to the longest."""
MAX_SAMPLES = 10 * SAMPLE_RATE
FRAME_SAMPLES = SAMPLE_RATE // 50
"""20 ms."""


def cut(recording: Recording, root: Path) -> list[Segment]:
    """Cut `recording`, whose FLAC file lies below `root`, into rows; memory holds one window, whatever its length.

    A recording of less than 10 s is one segment, even where that is shorter than 2 s. Raises DataError where its file is not there.
    """
    path = Path(root) / recording.path
    rows = []
    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:
            start = 0
            while start < file.frames:
                file.seek(start)
                wave = file.read(MAX_SAMPLES, dtype="float32")  # [T]
                left = file.frames - start
                if left > MAX_SAMPLES:
                    wave = wave[: _quiet_place(wave[: left - MIN_SAMPLES])]
                rows.append(_measured(wave, start, recording))
                start += len(wave)
    except soundfile.SoundFileError as error:
        raise DataError(f"{path}: is missing or cannot be read; extract the recordings again") from error
    return rows


def _quiet_place(wave: np.ndarray) -> int:
    """Return the middle of the quietest frame of wave [T] at or after SEARCH_SAMPLES, the last of them where many are silent."""
    num_frames = (len(wave) - SEARCH_SAMPLES) // FRAME_SAMPLES
    frames = wave[SEARCH_SAMPLES:][: num_frames * FRAME_SAMPLES].reshape(num_frames, FRAME_SAMPLES)
    energies = np.square(frames).sum(axis=1)
    quietest = num_frames - 1 - int(np.argmin(energies[::-1]))
    return SEARCH_SAMPLES + quietest * FRAME_SAMPLES + FRAME_SAMPLES // 2


def _measured(wave: np.ndarray, start: int, recording: Recording) -> Segment:
    """Return the row of wave [T], which starts at sample `start` of `recording`."""
    magnitudes = np.abs(wave)
    return Segment(
        path=recording.path,
        start_s=start / SAMPLE_RATE,
        duration_s=len(wave) / SAMPLE_RATE,
        recording=recording.name,
        speaker=recording.speaker,
        rms=float(np.sqrt(np.square(wave, dtype=np.float64).mean())),
        peak=float(magnitudes.max()),
        clipped_share=float((magnitudes >= FULL_SCALE).mean()),
    )
