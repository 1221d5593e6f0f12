"""What SNR can be hoped for from given speech at given rates: the estimate of `metrics.rate_distortion` for any media."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from telucodec.audio.media import SAMPLE_RATE, stream_media
from telucodec.data.manifest import MANIFEST_SUFFIXES
from telucodec.errors import DataError
from telucodec.evaluation.clips import open_clips
from telucodec.metrics.metric import NotMeasured
from telucodec.metrics.rate_distortion import Bracket, bracket
from telucodec.progress import Progress, untold

PIECE_S = 10.0
MOST_PIECES = 90
"""Heard of any amount of sound, a quarter of an hour spread over it: the estimate hardly moves with more."""


def bound(source: Path, progress: Progress = untold) -> Bracket:
    """The estimate for the speech in a media file, a folder of sound files or a manifest. Raises MediaError, and DataError where all is silent."""
    kept, every = [], 1
    for number, piece in enumerate(_pieces(source)):
        if number % every == 0:
            kept.append(piece)
        if len(kept) > MOST_PIECES:  # every other one goes, and so of what follows
            kept, every = kept[::2], 2 * every
        progress(number + 1, math.nan, f"{(number + 1) * PIECE_S / 60:.0f} min heard")
    try:
        return bracket(kept)
    except NotMeasured as hole:
        raise DataError(f"{source}: {hole}; there is nothing to estimate from") from hole


def _pieces(source: Path) -> Iterator[np.ndarray]:
    """The sound in `source` in turn, [T] at 16 kHz, in pieces of at most PIECE_S."""
    if source.is_dir() or source.suffix.lower() in MANIFEST_SUFFIXES:
        for clip in open_clips(source).clips:
            yield from _cut([clip.read()])
    else:
        yield from _cut(stream_media(source))


def _cut(windows: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    size = round(PIECE_S * SAMPLE_RATE)
    for window in windows:
        yield from (window[0, start : start + size] for start in range(0, window.shape[-1], size))
