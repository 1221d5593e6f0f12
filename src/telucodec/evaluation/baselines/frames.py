"""A wave as the whole frames of 16-bit samples that older codecs take, and back to as many samples as it had."""

from dataclasses import dataclass

import numpy as np

from telucodec.audio.sound_file import to_int16


@dataclass(frozen=True)
class Frames:
    """The coded frames of one wave."""

    frames: tuple[bytes, ...]
    num_samples: int

    def num_bytes(self) -> int:
        """Of all of them, end to end."""
        return sum(map(len, self.frames))


def to_frames(wave: np.ndarray, size: int, delay: int) -> np.ndarray:
    """float32 [1, T] -> int16 [F, size], with zeros behind that push out what a codec of `delay` samples holds back; F >= 1."""
    count = max(1, -(-(wave.shape[-1] + delay) // size))
    frames = np.zeros(count * size, np.int16)
    frames[: wave.shape[-1]] = to_int16(wave[0])
    return frames.reshape(count, size)


def to_wave(samples: np.ndarray, delay: int, num_samples: int) -> np.ndarray:
    """Decoded [T'], int16 or float, -> float32 [1, T]: `delay` samples taken off the front, zeros where the end is missing."""
    scale = 1 / 32768 if samples.dtype == np.int16 else 1.0
    kept = samples[delay : delay + num_samples].astype(np.float32) * np.float32(scale)
    return np.pad(kept, (0, num_samples - len(kept)))[None]
