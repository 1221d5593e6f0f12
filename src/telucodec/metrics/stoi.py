"""STOI (Taal et al., IEEE TASLP 2011): predicted intelligibility, about 0 to 1, by the `pystoi` package.

The package answers 0.00001 for clips too short and 0 for a silent original; both are holes here. The extended
variant is left out: it adds random numbers, which rule it where the output has empty bands.
"""

import warnings

import numpy as np

from telucodec.metrics.metric import SAMPLE_RATE, Metric, NotMeasured, require_length, require_sound
from telucodec.metrics.optional import optional

SHORTEST_S = 0.41
"""One STOI segment: 30 frames of 128 samples and one window at 10 kHz."""


def stoi(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Waves [T] -> score; a silent output scores 0. Raises NotMeasured for a silent reference or too little speech."""
    package = optional("pystoi")
    require_length(reference, SHORTEST_S)
    require_sound("original", reference)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Not enough STFT frames", category=RuntimeWarning)
        try:
            return package.stoi(reference, estimate, SAMPLE_RATE, extended=False)
        except RuntimeWarning:
            raise NotMeasured(f"less than {SHORTEST_S} s of it is louder than silence") from None


METRIC = Metric(
    "stoi",
    "STOI",
    "",
    3,
    "higher",
    "Predicted share of speech that is understood, about 0 to 1.",
    stoi,
)
