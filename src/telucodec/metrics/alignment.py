"""Where and how an output lies over its original: delay, polarity and gain, from the peak of the cross-correlation; and whether the delay stays."""

import math
from dataclasses import dataclass

import numpy as np

from telucodec.metrics.metric import SAMPLE_RATE, NotMeasured, require_finite, require_sound
from telucodec.metrics.snr import energy

LONGEST_DELAY = 4000
"""Samples to look for a delay to either side, a quarter of a second."""
PIECE_S = 0.5
"""Long enough that other speech fits nowhere, short enough that clocks 0.1 % apart stay within half a pitch period."""
LOUD_DB = 10.0
"""Pieces down to that below the mean level are aligned."""


@dataclass(frozen=True)
class Alignment:
    """The shift at which two waves are most alike."""

    delay: int
    """Samples by which the output comes too late; negative where it comes too early."""
    correlation: float
    """Pearson's, there, -1 to 1; negative where the output is upside down."""
    gain: float
    """Factor on the original that fits the output best there: positive, the sign is in the correlation."""


@dataclass(frozen=True)
class Course:
    """The delay in the course of two waves."""

    delays: tuple[tuple[float, int], ...]
    """(second at which a loud piece begins, samples by which the output comes too late there)."""
    won_db: float
    """By how much the error of these pieces falls where each is shifted by a delay of its own, and not all by one."""

    @property
    def change(self) -> int:
        """Samples between the least and the greatest delay."""
        found = [delay for _, delay in self.delays]
        return max(found) - min(found) if found else 0


def align(reference: np.ndarray, estimate: np.ndarray, longest: int = LONGEST_DELAY) -> Alignment:
    """Waves [T] -> the alignment within `longest` samples, or half of T. Raises NotMeasured where either is silent or constant."""
    require_finite(reference, estimate)
    require_sound("original", reference)
    require_sound("output", estimate)
    reference, estimate = reference - reference.mean(), estimate - estimate.mean()
    require_varying(reference, estimate)
    longest = min(longest, len(reference) // 2)
    size = 1 << (len(reference) + longest).bit_length()
    spectrum = np.fft.rfft(estimate, size) * np.conj(np.fft.rfft(reference, size))
    products = np.fft.irfft(spectrum, size)  # at d: sum of estimate[t + d] * reference[t]
    delays = np.arange(-longest, longest + 1)
    strength = np.abs(products[delays])
    delay = 0 if strength[longest] >= strength.max() * (1 - 1e-9) else int(delays[np.argmax(strength)])
    late, early = max(delay, 0), max(-delay, 0)
    x, y = reference[early : len(reference) - late], estimate[late : len(estimate) - early]
    x, y = x - x.mean(), y - y.mean()
    require_varying(x, y)
    shared, power = float(np.sum(x * y)), energy(x)  # BLAS would start threads for x @ y, which costs far more
    correlation = shared / math.sqrt(power * energy(y))
    return Alignment(delay, max(-1.0, min(1.0, correlation)), abs(shared) / power)


def follow(reference: np.ndarray, estimate: np.ndarray, whole: Alignment) -> Course:
    """Waves [T] and their alignment -> the alignments of their pieces; none of less than two loud ones."""
    late, early, size = max(whole.delay, 0), max(-whole.delay, 0), round(PIECE_S * SAMPLE_RATE)
    x, y = reference[early : len(reference) - late], estimate[late : len(estimate) - early]
    least = energy(reference) / len(reference) * size * 10 ** (-LOUD_DB / 10)
    delays, together, apart = [], 0.0, 0.0
    for start in range(0, len(x) - size + 1, size):
        pieces = x[start : start + size], y[start : start + size]
        try:
            if energy(pieces[0]) >= least:
                here, best = align(*pieces, 0), align(*pieces)
                delays.append(((early + start) / SAMPLE_RATE, whole.delay + best.delay))
                together += energy(pieces[1]) * (1 - here.correlation**2)
                apart += energy(pieces[1]) * (1 - best.correlation**2)
        except NotMeasured:  # silent in that piece
            continue
    if len(delays) < 2:
        return Course((), 0.0)
    return Course(tuple(delays), 10 * math.log10(max(together, 1e-12) / max(apart, 1e-6 * together, 1e-12)))


def require_varying(reference: np.ndarray, estimate: np.ndarray) -> None:
    """Raise NotMeasured where one of two waves without mean is constant."""
    for name, wave in (("original", reference), ("output", estimate)):
        try:
            require_sound(name, wave)
        except NotMeasured:
            raise NotMeasured(f"the {name} is constant") from None
