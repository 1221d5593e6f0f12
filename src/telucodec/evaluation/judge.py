"""A recogniser as a judge of intelligibility: how many words and letters it no longer gets right once a codec was there.

Its own mistakes are in every row, so that the row of the original, which no codec touched, is what others are compared with.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path

import numpy as np

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import to_int16
from telucodec.data.transcript import has_number
from telucodec.evaluation.contender import Contender
from telucodec.metrics.metric import Metric, NotMeasured
from telucodec.recognizer.bundle import Recognizer, digest_of, load_bundle
from telucodec.recognizer.evaluate import LONGEST_S
from telucodec.recognizer.score import errors_of

UNTOUCHED = "original"
"""Name of the contender that no codec touched."""


@dataclass(frozen=True)
class Judge:
    """The bundle in `folder`; every process that asks loads it for itself."""

    folder: Path

    @property
    def digest(self) -> str:
        """Hash of all that the bundle is, in hexadecimal."""
        return digest_of(self.folder)

    def metrics(self, text: str = "") -> Sequence[Metric]:
        """WER and CER in per cent of an output in which `text` was said."""
        about = (
            "of the recogniser that judged, against the transcript; compare with the row of the original, never with another recogniser's"
        )
        return (
            Metric("wer", "WER", "%", 1, "lower", f"words wrong, {about}", partial(_percent, self.folder, text, True)),
            Metric("cer", "CER", "%", 1, "lower", f"characters wrong, {about}", partial(_percent, self.folder, text, False)),
        )


def untouched() -> Contender:
    """The original itself, as 16-bit samples."""
    return Contender(UNTOUCHED, "original, 16 bits", "original", _to_pcm, _from_pcm)


def _percent(folder: Path, text: str, of_words: bool, reference: np.ndarray, estimate: np.ndarray) -> float:
    recognizer = _loaded(folder)
    said = recognizer.reference(text)
    if not said:
        raise NotMeasured("the clip has no transcript: evaluate a manifest with texts")
    if has_number(text):
        raise NotMeasured("its transcript has digits, which may be read in many ways")
    if reference.size > LONGEST_S * SAMPLE_RATE:
        raise NotMeasured(
            f"it is longer than {LONGEST_S:g} s, and a recogniser hears a clip at once: evaluate its sentences as rows of their own"
        )
    errors = errors_of(said, _heard(folder, estimate.astype(np.float32).tobytes()))
    wrong, total = (errors.word_errors, errors.words) if of_words else (errors.character_errors, errors.characters)
    return 100 * wrong / total if total else math.nan


@cache
def _loaded(folder: Path) -> Recognizer:
    return load_bundle(folder)


@lru_cache(maxsize=1)
def _heard(folder: Path, wave: bytes) -> str:
    """Text of a wave float32 [T]: heard once for both rates."""
    return _loaded(folder).text(np.frombuffer(wave, np.float32))


def _to_pcm(wave: np.ndarray) -> bytes:
    return to_int16(wave).tobytes()


def _from_pcm(packed: bytes) -> np.ndarray:
    return np.frombuffer(packed, np.int16).astype(np.float32)[None] / 32768
