"""What a codec sends of given speech: how often each magnitude of a coefficient, or how many entries of each codebook."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from telucodec.apps.plots import Columns
from telucodec.runtime.codec import Codec
from telucodec.runtime.frames import symbols_of
from telucodec.runtime.vq import CodesCodec

MAGNITUDES = 6
"""Told one by one; the last stands for all beyond."""
BAND_HZ = 500


@dataclass(frozen=True)
class Symbols:
    """Charts, and what they were counted in."""

    about: str
    meaning: str
    """How to read the charts."""
    charts: tuple[Columns, ...]


def symbols(codec: Codec, waves: Sequence[np.ndarray]) -> Symbols:
    """Count what `codec` sends of `waves` [1, T] at its rate, at the rate and mode that it takes where none is asked for."""
    seconds = sum(wave.shape[-1] for wave in waves) / codec.sample_rate
    if isinstance(codec, CodesCodec):
        meaning = "Codebooks cost the fewer bits, the fewer of their entries are in use."
        return Symbols(f"all codebooks, {seconds:.1f} s of speech", meaning, _of_codes(codec, waves))
    mode = codec.modes[0]
    frames = np.concatenate(
        [symbols_of(piece.halves) for wave in waves for piece in codec.integers(codec.encode(wave, codec.default_kbps, mode=mode))]
    )
    meaning = "Coefficients that are zero cost almost nothing; the others take the bits."
    about = f"{mode} mode at {codec.default_kbps:g} kbps, {seconds:.1f} s of speech"
    return Symbols(about, meaning, _of_coefficients(frames, codec.sample_rate))


def _of_coefficients(magnitudes: np.ndarray, sample_rate: int) -> tuple[Columns, ...]:
    """Charts of magnitudes [F, N] of coefficients that lie evenly from 0 Hz to half the sampling rate."""
    counts = np.bincount(np.minimum(magnitudes, MAGNITUDES - 1).ravel(), minlength=MAGNITUDES)
    labels = [*map(str, range(MAGNITUDES - 1)), f"{MAGNITUDES - 1}+"]
    bands = np.array_split(magnitudes > 0, sample_rate // 2 // BAND_HZ, axis=1)
    names = [f"{place * BAND_HZ / 1000:g}" if place % 2 == 0 else "" for place in range(len(bands))]
    return (
        Columns(
            "how large coefficients are",
            labels,
            (100 * counts / max(1, counts.sum())).tolist(),
            across="magnitude, quantised",
            upwards="% of coefficients",
        ),
        Columns(
            "where they are not zero",
            names,
            [100 * float(band.mean()) if band.size else math.nan for band in bands],
            across="frequency from, kHz",
            upwards="% of coefficients not zero",
        ),
    )


def _of_codes(codec: CodesCodec, waves: Sequence[np.ndarray]) -> tuple[Columns, ...]:
    codes = np.concatenate([codec.codes(wave) for wave in waves], axis=1)  # [K, F]
    shares = [np.bincount(book) / codes.shape[1] for book in codes]
    entropies = [-float(np.sum(share[share > 0] * np.log2(share[share > 0]))) for share in shares]
    labels = [str(place) for place in range(1, len(codes) + 1)]
    return (
        Columns("perplexity: entries in use, as if evenly", labels, [2**entropy for entropy in entropies], across="codebook"),
        Columns(
            f"different entries in {codes.shape[1]:,} frames", labels, [float((share > 0).sum()) for share in shares], across="codebook"
        ),
    )
