"""Sound of any length into text with times: a detector finds where somebody speaks, and each stretch is heard by itself.

CTC may say a first symbol long before its sound and a last one after it, so words are trimmed to where the detector hears speech.
The file is decoded twice, once to find speech and once to hear it, so that memory holds a stretch and never the whole.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from telucodec.audio.activity import FRAME_SAMPLES
from telucodec.audio.media import SAMPLE_RATE, stream_media
from telucodec.audio.resample import resampled
from telucodec.bitstream.container import open_tlc
from telucodec.data.segment import SegmentConfig, listen, speech_frames, speech_spans
from telucodec.progress import Progress, untold
from telucodec.recognizer.bundle import Recognizer
from telucodec.recognizer.decode import Word, words
from telucodec.runtime.codec import load_codec

STRETCH = SegmentConfig(0.4, 15.0)
"""Seconds of a stretch: a short word, and what attention is quick with."""

MARGIN_SAMPLES = SAMPLE_RATE * 3 // 10
"""More of what lies around a stretch than the detector gives, where nothing else is near: soft last syllables."""

Windows = Callable[[], Iterator[np.ndarray]]
"""Opens a sound: windows [T] at 16 kHz."""


@dataclass(frozen=True)
class Stretch:
    """What was said in one go."""

    start_s: float
    end_s: float
    text: str
    words: tuple[Word, ...]


def windows_of(path: Path, codec: Path | None = None) -> Windows:
    """Opens `path`, any audio or video file, or a .tlc, which `codec` decodes, the shipped model where None. Raises TelucodecError there."""

    def media() -> Iterator[np.ndarray]:
        for window in stream_media(path):
            yield window[0]

    def coded() -> Iterator[np.ndarray]:
        model = load_codec(codec)
        with open_tlc(path) as data:
            windows = model.decode_from(data, None, 0.0, None)
            if model.sample_rate == SAMPLE_RATE:
                yield from (window[0] for window in windows)
            else:  # rare, and never long: bundles at other rates are for music and studio speech
                yield resampled(np.concatenate(list(windows), axis=-1), model.sample_rate, SAMPLE_RATE)[0]

    return coded if Path(path).suffix.lower() == ".tlc" else media


def transcribe(windows: Windows, recognizer: Recognizer, progress: Progress = untold) -> Iterator[Stretch]:
    """Yield what is said, stretch by stretch; times are seconds from the beginning."""
    size = 0

    def counted() -> Iterator[np.ndarray]:
        nonlocal size
        for window in windows():
            size += len(window)
            yield window

    probabilities, powers = listen(counted())
    spans = _widened(speech_spans(probabilities, powers, size, STRETCH), size)
    spoken = speech_frames(probabilities)
    for (begin, end), wave in zip(spans, _cut(windows(), spans), strict=True):
        said = recognizer.hear(wave)
        yield Stretch(
            round(begin / SAMPLE_RATE, 3),
            round(end / SAMPLE_RATE, 3),
            recognizer.info.units.decode(said.numbers),
            tuple(_trimmed(word, spoken) for word in words(said, recognizer.info.units, recognizer.info.features, begin / SAMPLE_RATE)),
        )
        progress(end / SAMPLE_RATE, size / SAMPLE_RATE, "")


def _widened(spans: list[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """`spans` of a sound of `size` samples with their margins, up to the middle between two."""
    middles = [0, *((end + begin) // 2 for (_, end), (begin, _) in pairwise(spans)), size]
    return [
        (max(begin - MARGIN_SAMPLES, lowest), min(end + MARGIN_SAMPLES, highest))
        for (begin, end), (lowest, highest) in zip(spans, pairwise(middles), strict=False)
    ]


def _trimmed(word: Word, spoken: np.ndarray) -> Word:
    """`word` from the first to the last of its frames that are speech, where `spoken` [F] has any there."""
    frame_s = FRAME_SAMPLES / SAMPLE_RATE
    begin, end = round(word.start_s / frame_s), round(word.end_s / frame_s)
    frames = begin + np.flatnonzero(spoken[begin:end])
    if not len(frames):
        return word
    first_s, last_s = round(float(frames[0] * frame_s), 3), round(float((frames[-1] + 1) * frame_s), 3)
    return replace(word, start_s=max(word.start_s, first_s), end_s=min(word.end_s, last_s))


def _cut(windows: Iterator[np.ndarray], spans: list[tuple[int, int]]) -> Iterator[np.ndarray]:
    """Yield the samples of each of `spans`, which follow one another."""
    held, start = np.empty(0, np.float32), 0
    for begin, end in spans:
        while start + len(held) < end:
            held = np.concatenate([held, next(windows)])
            if start + len(held) <= begin:
                start, held = start + len(held), held[:0]
        held, start = held[max(0, begin - start) :], max(start, begin)
        yield held[: end - start]
