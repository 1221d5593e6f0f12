"""Where the original is loud and the output is silent: frames lost, a decoder that stopped, a buffer that ran empty."""

from typing import NamedTuple

import numpy as np

from telucodec.metrics.metric import SAMPLE_RATE

PIECE = 160
"""Samples, 10 ms: wherever 20 ms are lost, one piece is lost whole."""
LOUD_DB = 10.0
"""Pieces of the original down to that below its mean level are loud; what is quieter, a coarse codec may give up."""
LOST_DB = 60.0
"""Below what the level of the whole output lets expect there; codecs of 8 kHz take up to 45 from an s."""
FEWEST = 5
"""Pieces; fewer are the first frame of a codec that begins at silence."""


class Dropouts(NamedTuple):
    """What was lost of the loud pieces of the original."""

    share: float
    first_s: float
    """Where the first lies; 0 where none does."""


def find_dropouts(reference: np.ndarray, estimate: np.ndarray, delay: int = 0) -> Dropouts:
    """Waves [T], the output `delay` samples late -> the share of loud pieces that are silent in the output."""
    late, early = max(delay, 0), max(-delay, 0)
    size = (len(reference) - late - early) // PIECE * PIECE
    levels = [
        np.sqrt(np.mean(np.square(wave[start : start + size].reshape(-1, PIECE)), axis=1))
        for wave, start in ((reference, early), (estimate, late))
    ]  # [pieces] each
    wholes = [float(np.sqrt(np.mean(np.square(level)))) if size else 0.0 for level in levels]
    if not wholes[0]:
        return Dropouts(0.0, 0.0)
    loud = levels[0] > wholes[0] * 10 ** (-LOUD_DB / 20)
    lost = loud & (levels[1] < levels[0] * min(1.0, wholes[1] / wholes[0]) * 10 ** (-LOST_DB / 20))
    kept = loud & ~lost
    if lost.sum() < FEWEST or (kept.any() and np.quantile(levels[0][lost], 0.9) < np.quantile(levels[0][kept], 0.2)):
        return Dropouts(0.0, 0.0)  # where what is lost is quieter than what is kept, that is a dead zone: a quantiser too coarse for it
    return Dropouts(float(lost.sum() / loud.sum()), (early + PIECE * int(np.argmax(lost))) / SAMPLE_RATE)
