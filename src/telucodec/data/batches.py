"""Crops for training out of one memory-mapped file of sound, each around a sample of which every one is as likely.

The batch of an update depends on the seed and the number of the update alone, so a run that goes on draws what it would have drawn.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.resample import resampled
from telucodec.audio.sound_file import to_int16
from telucodec.data.manifest import Segment, read_segment
from telucodec.errors import DataError, TelucodecError
from telucodec.files import for_a_file, whole
from telucodec.progress import Progress, untold

PACKED = "packed"
"""Folder of packed sound."""


class Crops:
    """Sound int16 [S] at 16 kHz of segments that end at `ends` [n], and the crops drawn from it, for a codec at `sample_rate` Hz.

    A crop has `crop_samples` before it is brought to that rate, which must make them a whole number again.
    """

    def __init__(
        self, samples: np.ndarray, ends: np.ndarray, crop_samples: int, batch_size: int, seed: int, sample_rate: int = SAMPLE_RATE
    ):
        if crop_samples * sample_rate % SAMPLE_RATE:
            raise ValueError(f"{crop_samples} samples at {SAMPLE_RATE} Hz are no whole number of them at {sample_rate} Hz")
        self.samples, self.ends = samples, ends
        self.crop_samples, self.batch_size, self.seed, self.sample_rate = crop_samples, batch_size, seed, sample_rate

    @property
    def duration_s(self) -> float:
        return len(self.samples) / SAMPLE_RATE

    @property
    def batch_s(self) -> float:
        """Seconds of sound in a batch."""
        return self.batch_size * self.crop_samples / SAMPLE_RATE

    def batch(self, update: int) -> np.ndarray:
        """The crops float32 [B, 1, T] of that update, within one segment each; one shorter than a crop has silence after it."""
        rng = np.random.default_rng((self.seed, update))
        crops = np.zeros((self.batch_size, 1, self.crop_samples), np.float32)
        for crop, place in zip(crops, rng.integers(len(self.samples), size=self.batch_size), strict=True):
            segment = np.searchsorted(self.ends, place, side="right")
            begin, end = self.ends[segment - 1] if segment else 0, self.ends[segment]
            start = max(begin, min(place - self.crop_samples // 2, end - self.crop_samples))
            piece = self.samples[start : min(end, start + self.crop_samples)]
            crop[0, : len(piece)] = piece / np.float32(32768)
        return resampled(crops[:, 0], SAMPLE_RATE, self.sample_rate)[:, None]


def pack(rows: Sequence[Segment], root: Path, runs: Path, progress: Progress = untold) -> tuple[np.ndarray, np.ndarray]:
    """Memory-mapped samples int16 [S] of `rows`, whose sounds lie below `root`, and where each row ends [n].

    They are written to `packed_place` once; the same rows of unchanged files are found there again. Raises DataError where they are empty.
    """
    sizes = [row.span[1] for row in rows]
    if not sum(sizes):
        raise DataError(f"{root}: its manifest has no rows with sound to train on; prepare the data first")
    place = packed_place(f"{rows_digest(rows, root)}.npy", root, runs)
    if not place.exists():
        with whole(place) as beside, open(beside, "wb") as file:
            begin_array(file, np.int16, (sum(sizes),))
            for number, row in enumerate(rows):
                file.write(to_int16(read_segment(row, root)[0]).tobytes())
                progress(number + 1, len(rows), row.recording)
    return np.load(place, mmap_mode="r"), np.cumsum(sizes)


def packed_place(name: str, root: Path, runs: Path) -> Path:
    """Where what is packed of the data in `root` lies, or is to be written: below it, or in the folder of `runs` where data are only read."""
    place = root / PACKED / name
    with suppress(TelucodecError):
        return place if place.exists() else for_a_file(place)
    return runs / PACKED / name


def begin_array(file: BinaryIO, kind: type, shape: tuple[int, ...]) -> int:
    """Write to `file` how a .npy array of that `shape` begins; return where its numbers follow.

    They are written and not mapped: a process that finds the disk full while it writes to mapped memory is killed.
    """
    described = {"descr": np.lib.format.dtype_to_descr(np.dtype(kind)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, described)
    return file.tell()


def rows_digest(rows: Sequence[Segment], root: Path) -> str:
    """Changes with the rows, and with the files they lie in."""
    digest = hashlib.sha256()
    states = {}
    for row in rows:
        if row.path not in states:
            try:
                state = (root / row.path).stat()
            except OSError as error:
                raise DataError(f"{root / row.path}: is missing ({error.strerror}); prepare the data again") from error
            states[row.path] = state.st_size, state.st_mtime_ns
        digest.update(json.dumps([row.path, row.start_s, row.duration_s, states[row.path]]).encode())
    return digest.hexdigest()[:16]
