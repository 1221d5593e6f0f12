"""Segments of speech out of recordings, cut in pauses: what nobody says is left out, what is said stays whole.

A trained detector (`audio/activity.py`) says where there is speech. Speech with pauses of up to 1 s between is a stretch; 0.2 s of what
lies around it is kept on both sides. A stretch too long for one segment is cut in the middle of its longest pause in reach.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from telucodec.audio.activity import FRAME_SAMPLES, SpeechDetector
from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.executors import in_turn
from telucodec.data.levels import runs
from telucodec.data.loudness import measure
from telucodec.data.manifest import Segment
from telucodec.data.spans import stream_span
from telucodec.errors import DataError
from telucodec.files import printable
from telucodec.progress import Progress, untold

SPEECH_FROM, SPEECH_UNTIL = 0.5, 0.35
"""Speech begins where its probability reaches the first and lasts until it falls below the second, as Silero VAD itself advises."""

MIN_PAUSE_FRAMES = 3
"""0.1 s: shorter silences are the closures of p, t, k within words."""

MIN_SPEECH_FRAMES = 8
"""0.25 s: shorter bursts are clicks and coughs."""

MAX_PAUSE_SAMPLES = SAMPLE_RATE
"""Pauses of up to 1 s are part of speech; longer ones are left out."""

MAX_BRIDGE_SAMPLES = 3 * SAMPLE_RATE
"""So long a pause may be kept where a stretch would be too short alone."""

MARGIN_SAMPLES = SAMPLE_RATE // 5
"""0.2 s kept before and after speech: soft beginnings and endings lie there."""


SHORTEST_S = 0.1
"""No segment is shorter: that is less than a syllable, and cuts need a few frames to choose from."""


@dataclass(frozen=True)
class SegmentConfig:
    """How long segments may be. Raises DataError where the shortest is under SHORTEST_S or the longest not at least twice the shortest.

    Twice leaves room to choose a pause.
    """

    min_s: float = 1.0
    max_s: float = 15.0

    def __post_init__(self) -> None:
        if not SHORTEST_S <= self.min_s <= self.max_s / 2 < math.inf:
            raise DataError(
                f"segments of {self.min_s:g} to {self.max_s:g} s: the shortest must be {SHORTEST_S:g} s or more, "
                "and the longest at least twice the shortest; choose others"
            )

    @property
    def min_samples(self) -> int:
        return round(self.min_s * SAMPLE_RATE)

    @property
    def max_samples(self) -> int:
        return round(self.max_s * SAMPLE_RATE)


PURPOSES = {"codec": SegmentConfig(), "text": SegmentConfig(5.0, 16.0)}
"""A codec learns from anything with speech in it; whoever writes down what is said wants sentences."""


@dataclass(frozen=True)
class Segmented:
    """What became of the rows of a manifest."""

    rows: tuple[Segment, ...]
    """Segments, and utterances that were such before, in the order of the recordings."""
    num_utterances: int
    """Rows among them with text, passed on as they were."""
    heard_s: float
    """Duration of the recordings that were listened to."""
    kept_s: float
    """Duration of the segments cut out of them."""
    speechless: tuple[str, ...]
    """A line for each recording that gave no segment."""
    unreadable: tuple[str, ...]
    """A line for each recording that could not be read."""


def segment(
    rows: Sequence[Segment],
    root: Path,
    config: SegmentConfig = SegmentConfig(),
    jobs: int = 1,
    progress: Progress = untold,
) -> Segmented:
    """Cut `rows`, recordings whose files lie below `root`, into segments with `jobs` processes; rows with text stay as they are.

    The result does not depend on `jobs`.
    """
    recordings = [row for row in rows if not row.text]
    total_s, heard_s, kept_s = sum(row.duration_s for row in recordings), 0.0, 0.0
    done: list[Segment] = []
    speechless, unreadable = [], []
    cuts = in_turn(partial(_cut_or_reason, root=Path(root), config=config), recordings, jobs)
    for row in rows:
        if row.text:
            done.append(row)
            continue
        found = next(cuts)
        if isinstance(found, str):
            unreadable.append(found)
            total_s -= row.duration_s
            continue
        heard_s += row.duration_s
        kept_s += sum(part.duration_s for part in found)
        done += found
        if not found:
            at = f"{row.start_s:.1f} to {row.start_s + row.duration_s:.1f} s"
            speechless.append(f"{row.recording}, {at}: no speech of {config.min_s:g} s in it: listen to it, or leave it out")
        progress(heard_s, total_s, row.recording)
    return Segmented(tuple(done), len(rows) - len(recordings), heard_s, kept_s, tuple(speechless), tuple(unreadable))


def _cut_or_reason(row: Segment, root: Path, config: SegmentConfig) -> list[Segment] | str:
    try:
        return cut(row, root, config)
    except DataError as error:
        return str(error)


def cut(row: Segment, root: Path, config: SegmentConfig = SegmentConfig()) -> list[Segment]:
    """Return the segments of `row`, a recording or a part of one whose FLAC file lies below `root`.

    Memory holds a window of it and 8 bytes for every 32 ms. Raises DataError where the file is not there or not what the row says.
    """
    path = Path(root) / row.path
    if not (row.start_s >= 0 and row.duration_s > 0):
        raise DataError(f"{printable(path)}: starts at {row.start_s} s and lasts {row.duration_s} s; mend the row")
    start, size = row.span
    probabilities, powers = listen(stream_span(path, start, size))
    parts = []
    for begin, end in speech_spans(probabilities, powers, size, config):
        levels = measure(path, start + begin, end - begin)
        part = replace(row, start_s=(start + begin) / SAMPLE_RATE, duration_s=(end - begin) / SAMPLE_RATE)
        parts.append(replace(part, rms=levels.rms, peak=levels.peak, clipped_share=levels.clipped_share))
    return parts


def listen(windows: Iterator[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of speech and the mean square [F] of each frame of `windows`, the last one filled up with zeros."""
    detector, held = SpeechDetector(), np.empty(0, np.float32)
    probabilities, powers = [], []
    for wave in windows:
        probabilities.append(detector.push(wave))
        held = np.concatenate([held, wave])
        whole = len(held) // FRAME_SAMPLES * FRAME_SAMPLES
        powers.append(np.square(held[:whole]).reshape(-1, FRAME_SAMPLES).mean(axis=1))
        held = held[whole:]
    if len(held):
        probabilities.append(detector.finish())
        powers.append(np.square(held).sum(keepdims=True) / FRAME_SAMPLES)
    return np.concatenate(probabilities), np.concatenate(powers)


def speech_spans(probabilities: np.ndarray, powers: np.ndarray, size: int, config: SegmentConfig) -> list[tuple[int, int]]:
    """Return where the segments of a recording of `size` samples begin and end, from probability of speech and power [F] of its frames."""
    spoken = speech_frames(probabilities)
    pauses = _pauses(spoken, probabilities)
    stretches = [(begin * FRAME_SAMPLES, min(end * FRAME_SAMPLES, size)) for begin, end in _without_bursts(spoken).tolist()]
    spans = []
    for begin, end in _widened(_joined(stretches, config), size, config):
        if end - begin >= config.min_samples:
            spans += pairwise(_cut_places(begin, end, pauses, probabilities, powers, config))
    return spans


def speech_frames(probabilities: np.ndarray) -> np.ndarray:
    """Return which frames [F] are speech: from SPEECH_FROM on, until below SPEECH_UNTIL."""
    decided = (probabilities >= SPEECH_FROM) | (probabilities < SPEECH_UNTIL)
    last_decided = np.maximum.accumulate(np.where(decided, np.arange(len(decided)), -1))
    return (last_decided >= 0) & (probabilities[last_decided] >= SPEECH_FROM)


def _pauses(spoken: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return middle in samples, length in frames and mean probability of each pause [N, 3]."""
    pauses = [(begin, end) for begin, end in runs(~spoken) if end - begin >= MIN_PAUSE_FRAMES]
    cells = [((begin + end) * FRAME_SAMPLES // 2, end - begin, probabilities[begin:end].mean()) for begin, end in pauses]
    return np.array(cells, np.float64).reshape(-1, 3)


def _without_bursts(spoken: np.ndarray) -> np.ndarray:
    """Return the runs of speech [N, 2], closures within words filled in, bursts left out."""
    filled = spoken.copy()
    for begin, end in runs(~spoken):
        filled[begin:end] |= end - begin < MIN_PAUSE_FRAMES and 0 < begin and end < len(spoken)
    stretches = runs(filled)
    return stretches[stretches[:, 1] - stretches[:, 0] >= MIN_SPEECH_FRAMES]


def _joined(stretches: list[tuple[int, int]], config: SegmentConfig) -> list[tuple[int, int]]:
    """Return `stretches` with those joined that short pauses lie between, or longer ones where one would be too short alone."""
    joined = stretches[:1]
    for begin, end in stretches[1:]:
        first, last = joined[-1]
        short = min(end - begin, last - first) + 2 * MARGIN_SAMPLES < config.min_samples
        fits = end - first + 2 * MARGIN_SAMPLES <= config.max_samples
        if begin - last <= MAX_PAUSE_SAMPLES or (short and fits and begin - last <= MAX_BRIDGE_SAMPLES):
            joined[-1] = (first, end)
        else:
            joined.append((begin, end))
    return joined


def _widened(stretches: list[tuple[int, int]], size: int, config: SegmentConfig) -> Iterator[tuple[int, int]]:
    """Yield `stretches` with their margins; one too short gets more of the silence around it if speech is half of the shortest segment.

    No two share a sample: each reaches to the middle of the pause before and after it at most.
    """
    if not stretches:
        return
    middles = [0, *((last + begin) // 2 for (_, last), (begin, _) in pairwise(stretches)), size]
    for (begin, end), (lowest, highest) in zip(stretches, pairwise(middles), strict=True):
        enough = 2 * (end - begin) >= config.min_samples
        missing = max(2 * MARGIN_SAMPLES, config.min_samples - (end - begin) if enough else 0)
        start = max(lowest, begin - missing // 2)
        stop = min(highest, max(end + MARGIN_SAMPLES, start + (end - begin) + missing))
        if enough and stop - start < config.min_samples:  # the recording ends too soon after it
            start = max(lowest, stop - config.min_samples)
        yield start, stop


def _cut_places(
    begin: int, end: int, pauses: np.ndarray, probabilities: np.ndarray, powers: np.ndarray, config: SegmentConfig
) -> list[int]:
    """Return `begin`, the places to cut at, and `end`, so that all parts are of a length that `config` allows.

    The place is the middle of the longest pause in the second half of what may be one segment, or in all of it if there is none;
    without any pause, the frame that is least like speech, or of equals the quietest.
    """
    places = [begin]
    while end - places[-1] > config.max_samples:
        last = places[-1]
        half, latest = last + config.max_samples // 2, min(last + config.max_samples, end - config.min_samples)
        for earliest in (half, last + config.min_samples):
            reach = pauses[(pauses[:, 0] >= earliest) & (pauses[:, 0] <= latest)]
            if len(reach):
                best = np.lexsort((reach[:, 2], -reach[:, 1]))[0]
                places.append(int(reach[best, 0]))
                break
        else:
            places.append(_least_like_speech(half, latest, probabilities, powers))
    return [*places, end]


def _least_like_speech(earliest: int, latest: int, probabilities: np.ndarray, powers: np.ndarray) -> int:
    """Return the middle of the frame between `earliest` and `latest` with the lowest probability, the quietest of equals."""
    frames = np.arange(-(-earliest // FRAME_SAMPLES), latest // FRAME_SAMPLES)
    if not len(frames):  # less than a frame to choose from
        return earliest
    likely = np.round(probabilities[frames], 1)  # in fluent speech all are 1 but for the fourth decimal
    return int(frames[np.lexsort((powers[frames], likely))[0]]) * FRAME_SAMPLES + FRAME_SAMPLES // 2
