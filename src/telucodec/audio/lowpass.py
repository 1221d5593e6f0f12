"""A low-pass filter of linear phase, for anchors of listening tests.

Recommendation ITU-R BS.1534-3, section 5.1, asks of the anchor at 3.5 kHz: within 0.1 dB up to 3.5 kHz, 25 dB down at 4 kHz, 50 dB down at 4.5 kHz.
"""

import math

import numpy as np

STOPPED_DB = 70.0
"""Attenuation from TRANSITION_HZ above the cut-off on; ripple below it is then under 0.003 dB."""
TRANSITION_HZ = 500.0


def lowpass(wave: np.ndarray, sample_rate: int, cutoff_hz: float) -> np.ndarray:
    """Sound float32 [1, T] without what lies above `cutoff_hz`, neither delayed nor shortened.

    A sinc under Kaiser's window, with the formulas of Oppenheim and Schafer, Discrete-Time Signal Processing, section 7.5.3. Raises ValueError where there is no room for
    the transition below half of `sample_rate`.
    """
    if not 0 < cutoff_hz <= sample_rate / 2 - TRANSITION_HZ:
        raise ValueError(f"a cut-off of {cutoff_hz} Hz leaves no room below {sample_rate / 2} Hz")
    half = math.ceil((STOPPED_DB - 7.95) / (2.285 * 2 * math.pi * TRANSITION_HZ / sample_rate) / 2)
    middle = 2 * (cutoff_hz + TRANSITION_HZ / 2) / sample_rate  # of the transition, where the filter is 6 dB down
    kernel = middle * np.sinc(middle * np.arange(-half, half + 1)) * np.kaiser(2 * half + 1, 0.1102 * (STOPPED_DB - 8.7))
    (samples,) = wave
    padded = np.pad(samples.astype(np.float64), half)
    return np.convolve(padded, kernel / kernel.sum(), "valid")[None].astype(np.float32)
