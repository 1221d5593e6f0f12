"""Signs in two logged numbers: an SNR and an amplitude of the same pairs, and nothing else."""

import math
from collections.abc import Iterator

from telucodec.metrics.signs.sign import (
    THRESHOLDS,
    Sign,
    collapse,
    correlation_of,
    learns,
    least_gain,
    not_finite,
    wrong_gain,
)

ROUNDING_DB, ROUNDING_PERCENT = 0.05, 0.5
"""Half of the last digit that logs print."""


def implied_correlation(snr_db: float, amplitude_percent: float) -> tuple[float, float, float]:
    """The correlation that a logged SNR and amplitude imply, and the least and greatest that round to them. All NaN at 0 %."""
    ends = [
        correlation_of(snr_db + of_snr, max(amplitude_percent + of_amplitude, 1e-3) / 100)
        for of_snr in (-ROUNDING_DB, ROUNDING_DB)
        for of_amplitude in (-ROUNDING_PERCENT, ROUNDING_PERCENT)
    ]
    here = correlation_of(snr_db, amplitude_percent / 100)
    return (here, min(ends), max(ends)) if not math.isnan(here) else (here, here, here)


def signs_of_numbers(snr_db: float, amplitude_percent: float) -> tuple[Sign, ...]:
    """Return the signs in an SNR in dB and an amplitude in % of the same pairs, both pooled."""
    if not (math.isfinite(snr_db) and math.isfinite(amplitude_percent) and amplitude_percent >= 0):
        return (not_finite(f"SNR {snr_db} dB, amplitude {amplitude_percent} %"),)
    return tuple(_of_numbers(snr_db, amplitude_percent))


def _of_numbers(snr_db: float, amplitude_percent: float) -> Iterator[Sign]:
    implied, least, most = implied_correlation(snr_db, amplitude_percent)
    words = f"SNR {snr_db:g} dB and amplitude {amplitude_percent:g} %"
    if not math.isnan(implied):
        words += f", which imply a correlation of {implied:.2f}"
    if most < -1 or least > 1 or (amplitude_percent == 0 and abs(snr_db) > ROUNDING_DB):
        yield Sign(
            "numbers disagree",
            words,
            "a correlation lies between -1 and 1, and silence has exactly 0 dB",
            "they are not of the same samples: a mean of the dB of single files, amplitudes of peaks, or a constant offset",
            "pool the energies of all files, and log the correlation itself",
        )
        return
    quiet = amplitude_percent < THRESHOLDS.min_amplitude_percent and not implied >= THRESHOLDS.alike_correlation
    if quiet and not learns(amplitude_percent, implied):
        if implied <= THRESHOLDS.flipped_correlation:
            words += ": upside down as well, or an SNR that is a mean of the dB of single files"
        yield collapse(words)
    elif not math.isnan(implied) and abs(implied) < THRESHOLDS.min_correlation:
        yield Sign(
            "waveform not followed",
            words,
            f"needs {THRESHOLDS.min_correlation:g}, unless the codec makes a waveform of its own; such a one can sound good at negative SNR",
            "an output that is not made from this input, a delay, or a parametric or neural codec at work; these numbers cannot tell which",
            "run snr-doctor on the waves, which can, and listen",
        )
    elif implied <= THRESHOLDS.flipped_correlation:
        yield Sign(
            "polarity flipped",
            words,
            f"must be above {THRESHOLDS.flipped_correlation:g}; a perfect copy upside down has -6.0 dB at 100 %",
            "a sign lost on the way, a delay of half a period, or an SNR that is a mean of the dB of single files",
            "run snr-doctor on the waves, which can tell these apart",
        )
    gain = implied * amplitude_percent / 100
    if implied >= THRESHOLDS.alike_correlation and not least_gain(implied) <= gain <= THRESHOLDS.max_gain:
        yield wrong_gain(f"{words} and a gain of {gain:.2f}", implied)
