"""The versions of one clip that are compared: as long as each other, as loud as the reference, with the anchors of BS.1534-3."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from telucodec.audio.lowpass import lowpass
from telucodec.audio.media import SAMPLE_RATE, stream_media
from telucodec.errors import DataError
from telucodec.evaluation.listening.material import ANCHORS_HZ, REFERENCE, Spoken

MAX_CLIP_S = 12.0
"""BS.1534-3, section 5.2: long enough to judge, short enough to remember. Longer clips are heard up to here."""
MIN_CLIP_S = 0.5
MAX_TAIL_S = 0.1
"""A decoder may give so much more or less than it got; it is cut or filled with silence."""
MIN_RMS = 0.001
"""Below it there is nothing to match."""
PEAK = 0.99


@dataclass(frozen=True)
class Versions:
    """One clip as it is played."""

    waves: dict[str, np.ndarray]
    """float32 [1, T] at 16 kHz, per system, reference and anchor; the same T, within PEAK."""
    gains_db: dict[str, float]
    headroom_db: float


def versions(clip: Spoken, names: tuple[str, ...]) -> Versions:
    """Read `names` of `clip`, which may hold REFERENCE and the names of ANCHORS_HZ, level-matched.

    The rule: the RMS of every version, over the whole of what is heard, is made that of the reference. If any then exceeds PEAK, all
    are turned down alike. Raises DataError for silence or for an output that is not as long as its original, MediaError for unreadable files.
    """
    reference = _read(clip.original)
    if reference.shape[-1] < MIN_CLIP_S * SAMPLE_RATE:
        raise DataError(f"{clip.name}: is shorter than {MIN_CLIP_S:g} s; choose longer clips")
    heard = round(min(reference.shape[-1], MAX_CLIP_S * SAMPLE_RATE))
    waves = {name: _version(name, clip, reference)[:, :heard] for name in names}
    wanted = _rms(reference[:, :heard])
    levels = {name: _rms(wave) for name, wave in waves.items()} | {REFERENCE: wanted}
    for name, level in levels.items():
        if level < MIN_RMS:
            raise DataError(f"{clip.name}: {name} is silent (RMS {level:.2g}), so its loudness cannot be matched; leave it out")
    gains = {name: wanted / levels[name] for name in names}
    return _within_peak({name: gains[name] * wave for name, wave in waves.items()}, gains)


def _within_peak(waves: Mapping[str, np.ndarray], gains: Mapping[str, float]) -> Versions:
    headroom = min(1.0, PEAK / max(float(np.abs(wave).max()) for wave in waves.values()))
    return Versions(
        {name: (headroom * wave).astype(np.float32) for name, wave in waves.items()},
        {name: float(20 * np.log10(gain)) for name, gain in gains.items()},
        float(20 * np.log10(headroom)),
    )


def _version(name: str, clip: Spoken, reference: np.ndarray) -> np.ndarray:
    if name == REFERENCE:
        return reference
    if name in ANCHORS_HZ:
        return lowpass(reference, SAMPLE_RATE, ANCHORS_HZ[name])
    wave = _read(clip.decoded[name])
    tail = wave.shape[-1] - reference.shape[-1]
    if abs(tail) > MAX_TAIL_S * SAMPLE_RATE and min(wave.shape[-1], reference.shape[-1]) < MAX_CLIP_S * SAMPLE_RATE:
        seconds = f"{wave.shape[-1] / SAMPLE_RATE:.2f} s for {reference.shape[-1] / SAMPLE_RATE:.2f} s"
        raise DataError(f"{clip.name}: {name} is not as long as its original ({seconds}); align it first")
    return np.pad(wave, ((0, 0), (0, max(0, -tail))))


def _read(path: Path) -> np.ndarray:
    """As much of a file as may be heard, and more than MAX_TAIL_S to compare lengths by."""
    return next(stream_media(path, window_s=MAX_CLIP_S + 1))


def _rms(wave: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(wave, dtype=np.float64))))
