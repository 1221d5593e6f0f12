"""ViSQOL, speech mode (Chinen et al., arXiv:2004.09584): a predicted listening score, 1 to 5, by `visqol-python`.

The lattice model is asked for by name, since without its runtime the package falls back to another mapping that
scores one to two points higher. It also gives 4.7 to anything against patches of silence; that is a hole here.
"""

from functools import cache

import numpy as np

from telucodec.metrics.metric import SAMPLE_RATE, Metric, NotMeasured, require_length, require_sound
from telucodec.metrics.optional import optional

LONGEST_S = 60.0
"""Its alignment takes time with the square of the length: a second for 6 s, two minutes for 125 s."""
FLOOR_RMS = 1e-3
"""-60 dBFS: frames of the original below lie under its floor in most bands, and what is not heard there is like anything."""
LEAST_HEARD = 0.25
"""Share of the patches it listens to that must lie above. Other speech instead of the original scores 1 to 2.4 above 0.28, and 2.1 to 4.3
below 0.15; of 4,000 clips of speech the sparsest has 0.3. A patch is taken for speech by its loudest 20 ms, or for being the first."""
FRAME = 320
"""Samples, 20 ms."""


def visqol(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Waves [T] -> score. Raises NotMeasured for silence, over 60 s, or where the patches it listens to hold too little sound."""
    listener = _listener()
    require_length(reference, 0.5, LONGEST_S)
    require_sound("original", reference)
    require_sound("output", estimate)
    try:
        found = listener.measure_from_arrays(reference, estimate, SAMPLE_RATE)
    except (IndexError, ValueError):  # how the package meets a clip in which it finds no patch
        raise NotMeasured("ViSQOL found too little speech in it") from None
    spans = [(round(patch.ref_patch_start_time * SAMPLE_RATE), round(patch.ref_patch_end_time * SAMPLE_RATE)) for patch in found.patch_sims]
    levels = np.concatenate([_levels(reference[begin:end]) for begin, end in spans])
    if np.mean(levels > FLOOR_RMS) < LEAST_HEARD:
        raise NotMeasured("ViSQOL listens to parts of the original that are nearly silent, where anything scores high")
    return found.moslqo


def _levels(wave: np.ndarray) -> np.ndarray:
    """RMS of the whole frames of `wave` [T]."""
    return np.sqrt(np.mean(np.square(wave[: len(wave) // FRAME * FRAME].reshape(-1, FRAME)), axis=1))


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
