"""What a metric is: a named function of two waves that gives a number, or says why there is none.

A measuring function takes float [T] at 16 kHz, reference first, and returns a finite float or raises
`NotMeasured`. `Metric.measure` turns that into a value and a reason, so that a hole is never a plausible number.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

SAMPLE_RATE = 16000
"""Hz; every metric here listens at this rate."""

SILENCE_RMS = 1e-5
"""-100 dBFS: a wave quieter than this holds no sound. The rounding of 16-bit audio alone is 8.8e-6 (2^-15 / sqrt(12))."""


class NotMeasured(Exception):
    """A metric has no value for this pair of waves; the message is the reason, as a reader will see it."""


class Measured(NamedTuple):
    """A value and an empty reason, or NaN and the reason."""

    value: float
    reason: str = ""


@dataclass(frozen=True)
class Metric:
    """One way of comparing an output with its original."""

    name: str
    """Key in results: lower case, unit included."""
    label: str
    """Heading in tables."""
    unit: str
    """Unit after the number; empty for a score."""
    digits: int
    """Decimals that mean something."""
    better: Literal["higher", "lower", "nearer 100"]
    """Which way is good."""
    about: str
    """One sentence for a reader who has never met it."""
    compute: Callable[[np.ndarray, np.ndarray], float]
    """float64 [T] twice, equal lengths, finite -> float, or NotMeasured."""

    def measure(self, reference: np.ndarray, estimate: np.ndarray) -> Measured:
        """Compare two waves [T] at 16 kHz. Raises ValueError for anything but two waves of one length."""
        if np.ndim(reference) != 1 or np.shape(reference) != np.shape(estimate):
            raise ValueError(f"{self.name} compares two waves [T] of one length, not {np.shape(reference)} and {np.shape(estimate)}")
        reference, estimate = np.asarray(reference, np.float64), np.asarray(estimate, np.float64)
        try:
            require_finite(reference, estimate)
            value = float(self.compute(reference, estimate))
            if not math.isfinite(value):
                raise NotMeasured("the formula gave no finite number")
        except NotMeasured as hole:
            return Measured(math.nan, str(hole))
        return Measured(value)


def has_sound(wave: np.ndarray) -> bool:
    """Whether `wave`, of any shape, is louder than digital silence."""
    return wave.size > 0 and float(np.sqrt(np.mean(np.square(wave, dtype=np.float64)))) > SILENCE_RMS


def require_finite(reference: np.ndarray, estimate: np.ndarray) -> None:
    """Raise NotMeasured unless both waves hold numbers only."""
    for name, wave in (("original", reference), ("output", estimate)):
        if not np.all(np.isfinite(wave)):
            raise NotMeasured(f"the {name} holds NaN or infinity")


def require_sound(name: str, wave: np.ndarray) -> None:
    """Raise NotMeasured where `wave`, called `name` in the reason, is empty or silent."""
    if not has_sound(wave):
        raise NotMeasured(f"the {name} is silent")


def require_length(wave: np.ndarray, shortest_s: float, longest_s: float = math.inf) -> None:
    """Raise NotMeasured unless `wave` lasts between the two, in seconds."""
    duration_s = len(wave) / SAMPLE_RATE
    if duration_s < shortest_s:
        raise NotMeasured(f"too short: {duration_s:.2f} s, at least {shortest_s:g} s are needed")
    if duration_s > longest_s:
        raise NotMeasured(f"too long: {duration_s:.0f} s, at most {longest_s:g} s; cut it into segments")
