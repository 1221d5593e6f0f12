"""Level of the output as a percentage of the input: 100 times the ratio of their RMS values.

A falling amplitude is the sign of a codec that collapses to silence. 100 % by itself proves nothing: noise of the
right level has it too. An MSE-optimal decoder at s dB SNR gives 100 sqrt(1 - 10^(-s/10)).
"""

import numpy as np

from telucodec.metrics.metric import Metric, require_sound
from telucodec.metrics.snr import energy


def amplitude_percent(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Waves [T] -> per cent, 0 for a silent output. Raises NotMeasured for a silent reference."""
    require_sound("original", reference)
    return 100 * float(np.sqrt(energy(estimate) / energy(reference)))


METRIC = Metric(
    "amplitude_percent",
    "Amplitude",
    "%",
    0,
    "nearer 100",
    "Level of the output as a percentage of the original's; read it together with the correlation.",
    amplitude_percent,
)
