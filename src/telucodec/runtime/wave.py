"""What encoders take: one channel of numbers between -1 and 1, and nothing that merely looks like it."""

import numpy as np

from telucodec.errors import MediaError

LOUDEST = 64.0
"""Samples that reach further are refused: such a sound was not scaled to full scale at all."""


def checked(wave: np.ndarray) -> np.ndarray:
    """`wave` as float32 [1, T]. Raises ValueError for other shapes, for integers and samples that are not finite, MediaError beyond LOUDEST."""
    wave = np.asarray(wave)
    if wave.ndim != 2 or len(wave) != 1 or wave.dtype.kind != "f":
        raise ValueError(f"a wave is float32 [1, T], one channel with full scale at 1; this is {wave.dtype} {list(wave.shape)}")
    if not np.isfinite(wave).all():
        raise ValueError("the sound holds samples that are not finite")
    if (loudest := np.abs(wave).max(initial=0)) > LOUDEST:
        raise MediaError(f"the sound reaches {loudest:.3g}, far beyond full scale, which is 1; scale it down")
    return wave.astype(np.float32, copy=False)
