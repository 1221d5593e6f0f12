"""STOI (Taal et al., IEEE TASLP 2011): predicted intelligibility, about 0 to 1, by the `pystoi` package.

The package answers 0.00001 for clips too short and 0 for a silent original; both are holes here.
"""

import threading
import warnings

import numpy as np

from telucodec.metrics.metric import SAMPLE_RATE, Metric, NotMeasured, require_length, require_sound
from telucodec.metrics.optional import optional

SHORTEST_S = 0.41
"""One STOI segment: 30 frames of 128 samples and one window at 10 kHz."""

ALONE = threading.RLock()
"""Held while the package runs: which warnings are errors, and the generator that ESTOI draws from, are the whole process's."""


def stoi(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Waves [T] -> score; a silent output scores 0. Raises NotMeasured for a silent reference or too little speech."""
    return by_pystoi(reference, estimate, extended=False)


def by_pystoi(reference: np.ndarray, estimate: np.ndarray, extended: bool) -> float:
    """The package's score of waves [T], by the extended measure or the first one. Raises NotMeasured as `stoi` does."""
    package = optional("pystoi")
    require_length(reference, SHORTEST_S)
    require_sound("original", reference)
    with ALONE, warnings.catch_warnings():
        warnings.filterwarnings("error", message="Not enough STFT frames", category=RuntimeWarning)
        try:
            return package.stoi(reference, estimate, SAMPLE_RATE, extended=extended)
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
