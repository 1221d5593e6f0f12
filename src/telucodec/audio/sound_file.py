"""Waveforms as 16-bit WAV or FLAC, in windows; without what reads them, so that a decoder loads no FFmpeg."""

import io
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

from telucodec.errors import TelucodecError
from telucodec.files import printable, whole
from telucodec.undisturbed import undisturbed

SUFFIX_FORMATS = {".wav": "WAV", ".flac": "FLAC"}
LONGEST_WAV = ((1 << 32) - 1 - 36) // 2
"""Samples of 16 bits: the header has 32 bits for the bytes after its first eight, 36 of which are its own. 37 h at 16 kHz."""


def write_audio(path: Path, windows: np.ndarray | Iterable[np.ndarray], sample_rate: int) -> int:
    """Write one wave [1, T], or many in turn, to `path` as 16-bit WAV or FLAC by its suffix; return the number of samples written.

    Samples beyond [-1, 1] are clipped. The file appears whole or not at all. Reading it back gives the same numbers, to half of 1/32768.
    Raises TelucodecError for another suffix, a place that cannot be written and more than a WAV file holds, ValueError for more than one channel and for samples that are not finite.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIX_FORMATS:
        raise TelucodecError(f"{printable(path)}: sound is written as .wav or .flac; name the file so")
    if isinstance(windows, np.ndarray):
        windows = [windows]
    file_format = SUFFIX_FORMATS[path.suffix.lower()]
    num_samples = 0
    with whole(path) as beside:
        try:
            with soundfile.SoundFile(os.fsencode(beside), "w", sample_rate, 1, "PCM_16", format=file_format) as file:
                for window in windows:
                    (samples,) = window
                    num_samples += len(samples)
                    if file_format == "WAV" and num_samples > LONGEST_WAV:
                        raise TelucodecError(f"{printable(path)}: a WAV file holds no more than {LONGEST_WAV:,} samples; name it .flac")
                    file.write(to_int16(samples))
        except soundfile.SoundFileError as error:
            raise TelucodecError(f"{printable(path)}: cannot be written ({error}); choose another place or free some disk") from error
    return num_samples


def flac_bytes(wave: np.ndarray, sample_rate: int) -> bytes:
    """One wave [1, T], clipped to [-1, 1], as a FLAC file of 16 bits in memory. Raises ValueError as `write_audio` does."""
    file, (samples,) = io.BytesIO(), wave
    with undisturbed():  # what is raised where libsndfile calls back is lost, and may damage its memory
        soundfile.write(file, to_int16(samples), sample_rate, "PCM_16", format="FLAC")
    return file.getvalue()


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Round to 16 bits at 1/32768 a step, as readers undo it; libsndfile's own 1/32767 would turn the level down a little each time."""
    if not np.isfinite(samples).all():
        raise ValueError("samples to write must be finite")
    return np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
