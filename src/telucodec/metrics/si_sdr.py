"""Scale-invariant signal-to-distortion ratio in dB (Le Roux et al., arXiv:1811.02508, equations 4 and 5).

The reference is first scaled to fit the output best, so a wrong level costs nothing; a wrong sign of the level does
not show either. No mean is removed: a constant offset counts as distortion, as in the SNR.
"""

import numpy as np

from telucodec.metrics.metric import Metric, NotMeasured, require_sound
from telucodec.metrics.snr import energy


def si_sdr_db(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Waves [T] -> dB. Raises NotMeasured for silence, orthogonal waves, or an exact scaled copy."""
    require_sound("original", reference)
    require_sound("output", estimate)
    target = (estimate @ reference) / (reference @ reference) * reference
    if energy(target) == 0:
        raise NotMeasured("minus infinity: the output has nothing in common with the original")
    if energy(estimate - target) == 0:
        raise NotMeasured("infinite: the output is the original at another level")
    return 10 * float(np.log10(energy(target) / energy(estimate - target)))


METRIC = Metric(
    "si_sdr_db",
    "SI-SDR",
    "dB",
    1,
    "higher",
    "As SNR, after the level has been matched; waveform fidelity, not quality.",
    si_sdr_db,
)
