"""How loud a stretch of sound is: what a manifest says of each row."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from telucodec.data.spans import stream_span

FULL_SCALE = 32767 / 32768
"""Magnitude from which a 16-bit sample counts as clipped."""

SILENT_PEAK = 0.5 / 32768
"""Below it all samples are zero in 16 bits."""


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
    for wave in stream_span(path, start, num_samples):
        meter.hear(wave)
    return meter.measures
