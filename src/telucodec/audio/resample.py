"""Whole sounds from one sample rate to another."""

import numpy as np
import soxr


def resampled(wave: np.ndarray, sample_rate: int, new_rate: int) -> np.ndarray:
    """Sound float32 [C, T] at `sample_rate` as [C, T new_rate / sample_rate] at `new_rate`, the length rounded; itself where they agree."""
    return wave if sample_rate == new_rate else np.ascontiguousarray(soxr.resample(wave.T, sample_rate, new_rate).T)
