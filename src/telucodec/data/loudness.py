"""How loud a stretch of sound is: what a manifest says of each row."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from telucodec.data.spans import stream_span

FULL_SCALE = 32767 / 32768
"""Magnitude from which a 16-bit sample counts as clipped."""


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
    """Takes a stretch piece by piece; `measures` says how loud all of it was."""

    def __init__(self) -> None:
        self.count, self.energy, self.peak, self.clipped = 0, 0.0, 0.0, 0

    def push(self, wave: np.ndarray) -> None:
        """Take wave [T]."""
        magnitudes = np.abs(wave)
        self.count += len(wave)
        self.energy += float(np.square(wave, dtype=np.float64).sum())
        self.peak = max(self.peak, float(magnitudes.max(initial=0.0)))
        self.clipped += int((magnitudes >= FULL_SCALE).sum())

    def measures(self) -> Measures:
        return Measures(self.count, (self.energy / max(self.count, 1)) ** 0.5, self.peak, self.clipped / max(self.count, 1))


def measure(path: Path, start: int = 0, num_samples: int = -1) -> Measures:
    """Decode `num_samples` samples of `path` from `start` on, all of them where -1, and measure them.

    Raises DataError where that is not 16 kHz mono sound of that length.
    """
    meter = Meter()
    for wave in stream_span(path, start, num_samples):
        meter.push(wave)
    return meter.measures()
