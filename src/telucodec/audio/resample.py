"""Whole sounds from one sample rate to another."""

import numpy as np
import soxr


def resampled(wave: np.ndarray, sample_rate: int, new_rate: int) -> np.ndarray:
    """Sound float32 [C, T] at `sample_rate` as [C, T new_rate / sample_rate] at `new_rate`, the length rounded; itself where they agree."""
    return wave if sample_rate == new_rate else np.ascontiguousarray(soxr.resample(wave.T, sample_rate, new_rate).T)


def resampled_to(wave: np.ndarray, sample_rate: int, new_rate: int, num_samples: int) -> np.ndarray:
    """The same as [C, num_samples]: what rounding of lengths made too long is cut off, what it made too short is silence."""
    heard = resampled(wave, sample_rate, new_rate)[:, :num_samples]
    return np.pad(heard, ((0, 0), (0, num_samples - heard.shape[-1])))
