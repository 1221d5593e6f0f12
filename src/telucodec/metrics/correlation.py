"""Pearson's correlation between input and output waveform, -1 to 1.

For waves without offset, SNR s in dB and amplitude ratio a it is (1 + a^2 - 10^(-s/10)) / (2a): an SNR that creeps
from below up to 0 dB with a falling amplitude has correlation 0, which is collapse, not learning.
"""

import numpy as np

from telucodec.metrics.metric import SILENCE_RMS, Metric, NotMeasured, require_sound


def correlation(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Waves [T] -> -1 to 1. Raises NotMeasured where either is silent or constant."""
    for name, wave in (("original", reference), ("output", estimate)):
        require_sound(name, wave)
        if np.std(wave) <= SILENCE_RMS:
            raise NotMeasured(f"the {name} is constant")
    reference, estimate = reference - np.mean(reference), estimate - np.mean(estimate)
    return float(reference @ estimate / np.sqrt((reference @ reference) * (estimate @ estimate)))


METRIC = Metric(
    "correlation",
    "Correlation",
    "",
    3,
    "higher",
    "Whether the output moves with the original: 1 is the same shape, 0 unrelated, -1 upside down.",
    correlation,
)
