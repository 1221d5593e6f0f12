"""ViSQOL, speech mode (Chinen et al., arXiv:2004.09584): a predicted listening score, 1 to 5, by `visqol-python`.

The lattice model is asked for by name, since without its runtime the package falls back to another mapping that
scores one to two points higher. It also gives 4.7 to anything against a silent original; that is a hole here.
"""

from functools import cache

import numpy as np

from telucodec.metrics.metric import SAMPLE_RATE, Metric, NotMeasured, require_length, require_sound
from telucodec.metrics.optional import optional

LONGEST_S = 60.0
"""Its alignment takes time with the square of the length: a second for 6 s, two minutes for 125 s."""


def visqol(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Waves [T] -> score. Raises NotMeasured for silence, over 60 s, or where it finds no patch of speech."""
    listener = _listener()
    require_length(reference, 0.5, LONGEST_S)
    require_sound("original", reference)
    require_sound("output", estimate)
    try:
        return listener.measure_from_arrays(reference, estimate, SAMPLE_RATE).moslqo
    except (IndexError, ValueError):  # how the package meets a clip in which it finds no patch
        raise NotMeasured("ViSQOL found too little speech in it") from None


@cache
def _listener():
    optional("ai_edge_litert")
    listener = optional("visqol").VisqolApi()
    listener.create(mode="speech", use_lattice_model=True)
    return listener


METRIC = Metric(
    "visqol",
    "ViSQOL",
    "",
    2,
    "higher",
    "Predicted listening score (Google's ViSQOL, speech mode), 1 to 5.",
    visqol,
)
