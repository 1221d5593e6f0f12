"""Why a decoded file is not like its original: files of one name are compared, window by window, and the signs told in words."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path

import numpy as np

from telucodec.audio.media import SAMPLE_RATE, stated_duration, stream_media
from telucodec.data.media_folder import by_name, media_below
from telucodec.errors import DataError
from telucodec.files import printable
from telucodec.metrics.pair import Pair, measure_pair
from telucodec.metrics.signs.sign import THRESHOLDS, Sign
from telucodec.metrics.signs.waves import judged, signs_of_pairs
from telucodec.metrics.validation import Validation
from telucodec.progress import Progress, untold

WINDOW_S = 30.0
"""Longest stretch measured at once, so that memory does not grow with a file."""
SHORTEST_S = 0.25
"""What is left of a file and shorter is not measured by itself, nor an original against so little of an output."""
MIN_DIFFERENCE_S = 0.1
"""Two files may differ by this much, whatever their length; codecs fill their last frame."""


@dataclass(frozen=True)
class Diagnosis:
    """What was measured of pairs of files, and what is wrong with them."""

    pairs: tuple[Pair, ...]
    """Stretches of at most WINDOW_S."""
    signs: tuple[Sign, ...]
    """The worst first; empty where healthy."""
    num_files: int
    unpaired: tuple[str, ...]
    """Files without their like on the other side."""

    @property
    def validation(self) -> Validation:
        return Validation(self.pairs)

    @property
    def duration_s(self) -> float:
        return sum(pair.reference.num_samples for pair in self.pairs) / SAMPLE_RATE


def examine_files(reference: Path, decoded: Path, progress: Progress = untold) -> Diagnosis:
    """Compare two files, or the files of one name below two folders.

    Raises DataError where there is nothing to compare or judge by, MediaError for a file that cannot be read.
    """
    matched, missing, more = _matched(Path(reference), Path(decoded))
    pairs: list[Pair] = []
    lengths: dict[str, tuple[float, float]] = {}
    total_s, done_s = math.fsum(stated_duration(first) for _, first, _ in matched), 0.0
    for name, first, second in matched:
        found, lengths[name] = _compare(name, first, second, partial(_tell, progress, done_s, total_s, name))
        pairs += found
        done_s += lengths[name][0]
    whole = all(second >= first - MIN_DIFFERENCE_S for first, second in lengths.values())  # all there is of the originals was compared
    silent = [pair for pair in pairs if not (pair.reference.num_not_finite or pair.estimate.num_not_finite)]
    if silent and whole and not judged(pairs):
        raise DataError(f"{printable(reference)}: is silent, below -60 dBFS; there is nothing to judge the output by, choose another")
    signs = signs_of_pairs(pairs)
    if not any(sign.case == "wrong sample rate" for sign in signs):
        signs += tuple(_length(lengths))
    signs = (*_no_output(missing, len(matched)), *signs)
    return Diagnosis(tuple(pairs), signs, len(matched), tuple(sorted(missing + more)))


def _matched(reference: Path, decoded: Path) -> tuple[list[tuple[str, Path, Path]], list[str], list[str]]:
    """Return (name, reference, decoded) of each pair of files, and the names that only originals have, and only outputs."""
    for path in (reference, decoded):
        if not path.exists():
            raise DataError(f"{printable(path)}: no such file or folder; check its name")
    if reference.is_dir() != decoded.is_dir():
        raise DataError(f"{printable(decoded)}: compare a file with a file, or a folder with a folder")
    if not reference.is_dir():
        return [(printable(Path(decoded.name)), reference, decoded)], [], []
    first, second = (by_name(media_below(folder), folder) for folder in (reference, decoded))
    both = [name for name in first if name in second]
    if not both:
        raise DataError(f"{printable(decoded)}: has no file of the name of one in {printable(reference)}; name them alike, suffixes aside")
    return [(name, first[name], second[name]) for name in both], sorted(first.keys() - second.keys()), sorted(second.keys() - first.keys())


def _tell(progress: Progress, before_s: float, total_s: float, name: str, heard_s: float) -> None:
    progress(before_s + heard_s, total_s, name)


def _compare(name: str, reference: Path, decoded: Path, heard: Callable[[float], None]) -> tuple[list[Pair], tuple[float, float]]:
    """Return the pairs of two files, window by window, and the durations of both; tell `heard` how much was compared. All in seconds."""
    pairs, begin = [], [0, 0]
    windows = (stream_media(path, window_s=WINDOW_S) for path in (reference, decoded))
    for first, second in zip_longest(*windows, fillvalue=np.zeros((1, 0), np.float32)):
        size = min(first.shape[-1], second.shape[-1])
        if size >= SHORTEST_S * SAMPLE_RATE or (0 < size == first.shape[-1] and not begin[0]):
            at_s = begin[0] / SAMPLE_RATE
            pairs.append(measure_pair(first[0, :size], second[0, :size], f"{name} at {at_s:.0f} s" if at_s else name))
        begin = [begin[0] + first.shape[-1], begin[1] + second.shape[-1]]
        heard(begin[0] / SAMPLE_RATE)
    return pairs, (begin[0] / SAMPLE_RATE, begin[1] / SAMPLE_RATE)


def _no_output(missing: list[str], num_matched: int) -> Iterator[Sign]:
    if missing:
        yield Sign(
            "no output",
            f"{len(missing)} of {len(missing) + num_matched} originals have none: {', '.join(missing[:3])}{' ...' if len(missing) > 3 else ''}",
            "each needs a file of its name, suffixes aside",
            "a decoder that died on them, a run cut short, or outputs of another name",
            "decode these again and read what is said, or leave only the originals that were decoded",
            tuple(missing),
        )


def _length(lengths: dict[str, tuple[float, float]]) -> Iterator[Sign]:
    allowed = {name: max(MIN_DIFFERENCE_S, THRESHOLDS.max_length_difference * first) for name, (first, _) in lengths.items()}
    wrong = [name for name, (first, second) in lengths.items() if abs(first - second) > allowed[name]]
    if wrong:
        worst = max(wrong, key=lambda name: abs(lengths[name][0] - lengths[name][1]))
        first, second = lengths[worst]
        yield Sign(
            "length differs",
            f"the output lasts {second:.2f} s where the original lasts {first:.2f} s ({worst}); {len(wrong)} of {len(lengths)} files",
            f"at most {allowed[worst]:.2f} s apart",
            "a file cut short, frames lost or doubled, padding that was not trimmed, or files that do not belong together",
            "decode again, and trim the output to the length of the input",
            tuple(wrong),
        )
