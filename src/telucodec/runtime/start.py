"""Where the contexts of a short packet begin: not in silence, as those of long ones, but in one of a few usual spectra, which it names.

The contexts of a packet of one frame have no frame before to look at. One byte that names the likeliest of NUM_STARTS envelopes stands for it:
levels are then coded as changes from that envelope, and coefficients as if frames of the magnitudes usual at their level had gone before.
Integers throughout, as everything that symbols depend on.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from safetensors.numpy import load_file

from telucodec.runtime.model import WEIGHTS

NUM_STARTS = 256
LARGEST_RELATIVE = 127
SHIPPED = WEIGHTS / "starts.safetensors"
"""Written by benchmarks/fit_starts.py."""


@dataclass(frozen=True)
class Start:
    """What is taken to have gone before a packet."""

    levels: np.ndarray
    """Levels int32 [BANDS] of the frames before."""
    usual: np.ndarray
    """Magnitude code usual where the envelope over the step is -127 ... 127, float32 [255]."""

    def codes(self, relative: np.ndarray) -> np.ndarray:
        """Magnitude codes [..., N] of the frames before a frame whose envelope over the step, in 8ths, is `relative` [..., N]."""
        return self.usual[relative.astype(np.int32) + LARGEST_RELATIVE]


@cache
def starts() -> tuple[Start, ...]:
    """The shipped ones."""
    tensors = load_file(SHIPPED)
    usual = tensors["usual"].astype(np.float32)
    return tuple(Start(levels, usual) for levels in tensors["levels"].astype(np.int32))


def nearest_start(levels: np.ndarray) -> int:
    """Number of the start whose levels lie nearest to `levels` [BANDS]."""
    return int(((_all_levels() - levels) ** 2).sum(axis=1).argmin())


@cache
def _all_levels() -> np.ndarray:
    return np.stack([start.levels for start in starts()])
