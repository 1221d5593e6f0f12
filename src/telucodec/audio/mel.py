"""Mel bands: triangles equally far apart in pitch as it is heard, by HTK's formula, 2595 log10(1 + f / 700), or by Slaney's."""

from functools import cache

import numpy as np

FULL_SCALES = ((64, 5), (128, 10), (256, 20), (512, 40), (1024, 80), (2048, 160))
"""Windows in samples and their bands: DAC's set (arXiv:2306.06546, section 3.4: 5 bands at 32 samples of 44.1 kHz to 320 at 2048)
at 16 kHz, 4 to 128 ms."""


def mel_of(frequency: np.ndarray) -> np.ndarray:
    """Mels of a frequency in Hz."""
    return 2595 * np.log10(1 + frequency / 700)


def hz_of(mel: np.ndarray) -> np.ndarray:
    """Frequency in Hz of mels."""
    return 700 * (10 ** (mel / 2595) - 1)


def mel_edges(sample_rate: int, bands: int) -> np.ndarray:
    """Feet and peaks in Hz, [M + 2]: band m rises from the m-th, peaks at the next and ends at the one after; equally far in mels."""
    return hz_of(np.linspace(0, 1, bands + 2) * mel_of(sample_rate / 2))


def mel_filters(sample_rate: int, window: int, bands: int) -> np.ndarray:
    """Triangles of height 1, float64 [M, W / 2 + 1], linear in Hz: at a bin between the first and the last peak they sum to 1."""
    return _triangles(mel_edges(sample_rate, bands), sample_rate, window)


def _triangles(edges: np.ndarray, sample_rate: int, window: int) -> np.ndarray:
    """Of height 1 between `edges` in Hz, feet and peaks [M + 2], at the bins of a window: [M, W / 2 + 1]."""
    edges, frequency = edges[:, None], np.linspace(0, sample_rate / 2, window // 2 + 1)
    rising = (frequency - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequency) / (edges[2:] - edges[1:-1])
    return np.maximum(np.minimum(rising, falling), 0)


def mel_means(sample_rate: int, window: int, bands: int) -> np.ndarray:
    """The same with unit sums, so that white noise has the power in every band that it has in every bin.

    Raises ValueError where the window is too short to tell so many bands apart.
    """
    filters = mel_filters(sample_rate, window, bands)
    sums = filters.sum(axis=1, keepdims=True)
    if not np.all(sums > 0):
        raise ValueError(f"a window of {window} samples at {sample_rate} Hz cannot tell {bands} bands apart")
    return filters / sums


@cache
def slaney_bands(sample_rate: int, window: int, bands: int, lowest_hz: float = 0.0) -> np.ndarray:
    """Triangles of equal area, float32 [M, W / 2 + 1], evenly far apart by Slaney's formula (Auditory Toolbox; librosa's default)."""
    edges = _slaney_hz(np.linspace(_slaney_mel(np.array(lowest_hz)), _slaney_mel(np.array(sample_rate / 2)), bands + 2))
    return (_triangles(edges, sample_rate, window) * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def _slaney_mel(hertz: np.ndarray) -> np.ndarray:
    """Straight up to 1 kHz, then 27 steps an increase of 6.4 times."""
    return np.where(hertz < 1000, hertz * 3 / 200, 15 + 27 * np.log(np.maximum(hertz, 1000) / 1000) / np.log(6.4))


def _slaney_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))
