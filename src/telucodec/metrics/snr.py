"""Signal-to-noise ratio in dB, 10 log10(sum x^2 / sum (x - y)^2): how closely the output follows the waveform.

It is waveform fidelity, not quality: a polarity flip gives -6.02 dB, silence exactly 0 dB, and a parametric codec
that sounds good may be negative. Over several clips pool the energies (`pooled_snr_db`): zero padding then changes
nothing, while a mean of dB is ruled by the quietest clip.
"""

import math

import numpy as np

from telucodec.metrics.metric import Metric, NotMeasured, require_sound


def snr_db(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Waves [T] -> dB. Raises NotMeasured for a silent reference or an output that equals it."""
    require_sound("original", reference)
    return pooled_snr_db(energy(reference), energy(reference - estimate))


def energy(wave: np.ndarray) -> float:
    """Sum of squares of a wave [T], in float64."""
    return float(np.sum(np.square(wave, dtype=np.float64)))


def pooled_snr_db(signal_energy: float, noise_energy: float) -> float:
    """dB from two energies, each summed over any number of clips. Raises NotMeasured where the ratio is not a number."""
    if signal_energy <= 0:
        raise NotMeasured("the original is silent")
    if noise_energy <= 0:
        raise NotMeasured("infinite: the output equals the original")
    return 10 * math.log10(signal_energy / noise_energy)


METRIC = Metric(
    "snr_db",
    "SNR",
    "dB",
    1,
    "higher",
    "How closely the output follows the original waveform, level and polarity included; it is not a score of quality.",
    snr_db,
)
