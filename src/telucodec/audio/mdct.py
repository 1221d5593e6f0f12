"""The orthonormal MDCT: overlapping frames of a waveform as real coefficients, and back without loss.

Lapped transform after Princen, Johnson and Bradley (ICASSP 1987) with the sine window, so that analysis and
synthesis are the same matrix. A frame of N coefficients covers 2 N samples and frames advance by N, the hop length.
"""

from functools import cache

import numpy as np


@cache
def basis(hop: int) -> np.ndarray:
    """Windowed cosine basis [N, 2 N] of a hop of N samples."""
    n, k = np.arange(2 * hop), np.arange(hop)[:, None]
    window = np.sin(np.pi * (n + 0.5) / (2 * hop))
    cosines = np.cos(np.pi / hop * (n + 0.5 + hop / 2) * (k + 0.5))
    return (np.sqrt(2 / hop) * cosines * window).astype(np.float32)


def mdct(wave: np.ndarray, hop: int) -> np.ndarray:
    """Coefficients [F, N] of the F frames that fit into `wave` [(F + 1) N]; frame t covers samples t N to (t + 2) N."""
    frames = np.lib.stride_tricks.sliding_window_view(wave, 2 * hop)[::hop]
    return frames @ basis(hop).T


def whole_mdct(wave: np.ndarray, hop: int) -> np.ndarray:
    """Coefficients [ceil(T / N) + 1, N] of a whole sound `wave` [T], with silence before and after it."""
    frames = -(-len(wave) // hop) + 1
    return mdct(np.pad(wave, (hop, frames * hop - len(wave))), hop)


def inverse_mdct(coefficients: np.ndarray, tail: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Waveform [F N] of `coefficients` [F, N] and the new tail; `tail` [N] is the overlap left by the frame before."""
    hop = coefficients.shape[1]
    pieces = coefficients @ basis(hop)  # [F, 2 N]
    overlap = np.concatenate([tail[None], pieces[:, hop:]])  # [F + 1, N]
    return (pieces[:, :hop] + overlap[:-1]).reshape(-1), overlap[-1]
