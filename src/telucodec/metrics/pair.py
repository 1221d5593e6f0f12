"""Everything that training and `snr-doctor` want to know of an output and its original, as numbers that can be kept and pooled."""

import math
from dataclasses import dataclass

import numpy as np

from telucodec.metrics import amplitude, correlation, si_sdr, snr
from telucodec.metrics.alignment import Alignment, Course, align, follow
from telucodec.metrics.clicks import Clicks, find_clicks
from telucodec.metrics.contour import contour_correlation
from telucodec.metrics.dropouts import Dropouts, find_dropouts
from telucodec.metrics.metric import Measured, NotMeasured
from telucodec.metrics.snr import energy
from telucodec.metrics.speed import find_speed

ALIKE = 0.5
"""Correlation at the best shift from which that shift is to be believed: unlike speech reaches 0.3 somewhere."""


@dataclass(frozen=True)
class Wave:
    """One wave by itself. All NaN but `num_samples` and `num_not_finite` where it is empty or holds NaN or infinity."""

    num_samples: int
    num_not_finite: int
    least: float
    most: float
    mean: float
    std: float
    energy: float
    """Sum of squares."""
    clipped_share: float
    """Share of samples that lie flat at the largest magnitude, with others just below."""

    @property
    def power(self) -> float:
        """Mean of squares."""
        return self.energy / self.num_samples if self.num_samples else math.nan

    @property
    def rms(self) -> float:
        return math.sqrt(self.power)


@dataclass(frozen=True)
class Pair:
    """An output and its original. Measures without a value are NaN with a reason."""

    name: str
    reference: Wave
    estimate: Wave
    noise_energy: float
    """Of their difference; NaN where either is not finite."""
    covariance: float
    """Sum over samples of the product of both, each without its mean; NaN where either is not finite."""
    snr_db: Measured
    si_sdr_db: Measured
    amplitude_percent: Measured
    correlation: Measured
    contour: Measured
    alignment: Alignment | None
    """None where either is silent, constant or not finite."""
    course: Course
    """Of the delay, piece by piece."""
    speed: float
    """Speed of the output where it is the original played at another rate; NaN where that was not looked for or not found."""
    clicks: Clicks
    dropouts: Dropouts
    """Found at the best shift, where that is to be believed."""

    @property
    def noise_power(self) -> float:
        return self.noise_energy / self.reference.num_samples if self.reference.num_samples else math.nan


def measure_pair(reference: np.ndarray, estimate: np.ndarray, name: str = "") -> Pair:
    """Waves [T] of one length at 16 kHz -> their measures. Raises ValueError for anything else.

    Another speed is looked for where the waves are not alike at any shift.
    """
    named = (snr.METRIC, si_sdr.METRIC, amplitude.METRIC, correlation.METRIC)
    compared = [metric.measure(reference, estimate) for metric in named]
    reference, estimate = np.asarray(reference, np.float64), np.asarray(estimate, np.float64)
    waves = _wave(reference), _wave(estimate)
    finite = not any(wave.num_not_finite for wave in waves) and len(reference) > 0
    try:
        alignment = align(reference, estimate)
    except NotMeasured:
        alignment = None
    alike = alignment is not None and abs(alignment.correlation) >= ALIKE
    speed = _speed(reference, estimate) if alignment and not alike else math.nan
    return Pair(
        name,
        *waves,
        energy(reference - estimate) if finite else math.nan,
        float(np.sum((reference - reference.mean()) * (estimate - estimate.mean()))) if finite else math.nan,
        *compared,
        _contour(reference, estimate),
        alignment,
        follow(reference, estimate, alignment) if alignment else Course((), 0.0),
        speed,
        find_clicks(reference, estimate) if finite else Clicks(0, 0),
        find_dropouts(reference, estimate, alignment.delay if alike else 0) if finite else Dropouts(0.0, 0.0),
    )


def _wave(wave: np.ndarray) -> Wave:
    num_not_finite = int(np.sum(~np.isfinite(wave)))
    if num_not_finite or not len(wave):
        return Wave(len(wave), num_not_finite, *[math.nan] * 6)
    return Wave(
        len(wave), 0, float(wave.min()), float(wave.max()), float(wave.mean()), float(wave.std()), energy(wave), _clipped_share(wave)
    )


def _clipped_share(wave: np.ndarray) -> float:
    """Share of samples in runs of three and more at the largest magnitude.

    Nothing where no others come near it: a coarse quantiser has a highest level too, and nothing between that and the next.
    """
    size = np.abs(wave) / max(float(np.abs(wave).max()), 1e-30)
    flat = size > 0.999
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]]).astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    num_flat = int(lengths[lengths >= 3].sum())
    num_below = int(np.sum((size > 0.8) & (size < 0.99)))
    return num_flat / len(wave) if num_below > 0.05 * num_flat else 0.0


def _contour(reference: np.ndarray, estimate: np.ndarray) -> Measured:
    try:
        return Measured(contour_correlation(reference, estimate))
    except NotMeasured as hole:
        return Measured(math.nan, str(hole))


def _speed(reference: np.ndarray, estimate: np.ndarray) -> float:
    try:
        speed, correlation = find_speed(reference, estimate)
    except NotMeasured:
        return math.nan
    return speed if correlation >= ALIKE else math.nan
