"""Log-mel distance in dB at six window lengths: how far the colour of the sound is off, whatever became of the waveform.

The measure that training knows as the loss `mel` (DAC, arXiv:2306.06546, section 3.4; `losses/mel.py` says what differs from it),
at all scales of DAC, in dB instead of tens of amplitude: mean over scales, bands and frames of |10 log10 of the ratio of powers|, each
wave thought over white noise at -100 dBFS. It takes 0.1 CPU seconds for 5 s.
"""

from functools import cache

import numpy as np

from telucodec.audio.mel import FULL_SCALES, mel_means
from telucodec.metrics.metric import SAMPLE_RATE, Metric, require_length, require_sound

FLOOR_DB = -100.0
"""RMS of the noise, in dB of full scale: what lies below it is not told apart. The rounding of 16 bits is at -101."""
SHORTEST_S = 0.128
"""One window of the longest scale."""
OVERLAP = 4
"""Windows over each sample."""


def mel_distance_db(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Waves [T] -> dB, 0 for equal ones. Raises NotMeasured for a silent reference or less than 0.128 s."""
    require_sound("original", reference)
    require_length(reference, SHORTEST_S)
    distances = [np.mean(np.abs(_levels(reference, *scale) - _levels(estimate, *scale))) for scale in FULL_SCALES]
    return float(np.mean(distances))


def _levels(wave: np.ndarray, window: int, bands: int) -> np.ndarray:
    """dB of full scale [T // (W / 4) + 1, M], taken as if the wave lay in silence."""
    shape, filters = _analysis(window, bands)
    padded = np.pad(wave.astype(np.float32), window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[:: window // OVERLAP] * shape  # [F, W]
    spectrum = np.fft.rfft(frames)
    return 10 * np.log10((np.square(spectrum.real) + np.square(spectrum.imag)) @ filters + np.float32(10 ** (FLOOR_DB / 10)))


@cache
def _analysis(window: int, bands: int) -> tuple[np.ndarray, np.ndarray]:
    """Hann window [W] of unit energy, so that white noise has its own power in each bin, and filters [W / 2 + 1, M]."""
    shape = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    return (shape / np.sqrt(np.sum(np.square(shape)))).astype(np.float32), mel_means(SAMPLE_RATE, window, bands).T.astype(np.float32)


METRIC = Metric(
    "mel_distance_db",
    "Mel distance",
    "dB",
    2,
    "lower",
    "How far levels in mel bands are off, on average over six window lengths: the colour of the sound, 0 for none.",
    mel_distance_db,
)
