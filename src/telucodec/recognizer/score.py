"""How wrong texts are: WER and CER after the normaliser, by speaker and source, with intervals, and which aksharas are taken for which.

Errors are counted by jiwer. A rate over clips is all errors over all words (or characters) said; its 95 % interval is the middle of
2,000 bootstrap samples of speakers, or of clips where there are fewer than 10 speakers (Bisani and Ney, ICASSP 2004). Where all that is
resampled has the same rate, as without any error, samples cannot differ, and there is no interval.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from telucodec.errors import TelucodecError
from telucodec.recognizer.text import aksharas

RESAMPLES = 2_000
MOST_DRAWN = 1 << 20
"""Clips or speakers of resamples that are held at a time."""
FEWEST_SPEAKERS = 10
WRONG_OF = ((1, 0), (3, 2))
"""Where errors and what they are errors of stand among the counts of a clip: of words, and of characters."""


@dataclass(frozen=True)
class Errors:
    """Of one clip."""

    words: int
    word_errors: int
    characters: int
    character_errors: int
    """Code points, spaces counted."""


@dataclass(frozen=True)
class Rates:
    """Of many clips, 0 and more; NaN where nothing was said."""

    num_clips: int
    num_words: int
    wer: float
    wer_interval: tuple[float, float]
    """NaN where there is nothing that differs."""
    cer: float
    cer_interval: tuple[float, float]
    exact: float
    """Share of clips without any error."""


def errors_of(reference: str, hypothesis: str) -> Errors:
    """Substitutions, deletions and insertions from `reference`, which must not be empty, to `hypothesis`, both normalised."""
    jiwer = _jiwer()
    words, characters = jiwer.process_words(reference, hypothesis), jiwer.process_characters(reference, hypothesis)
    return Errors(
        len(reference.split()),
        words.substitutions + words.deletions + words.insertions,
        len(reference),
        characters.substitutions + characters.deletions + characters.insertions,
    )


def error_rates(references: Sequence[str], hypotheses: Sequence[str], intervals: bool = True) -> Rates:
    """Rates of pairs of normalised texts, whose speakers are unknown."""
    return rates_of([errors_of(*pair) for pair in zip(references, hypotheses, strict=True)], intervals=intervals)


def rates_of(errors: Sequence[Errors], speakers: Sequence[str] = (), intervals: bool = True) -> Rates:
    """Pooled rates of clips; `speakers`, where known, are what is resampled for the intervals."""
    counts = np.array([[e.words, e.word_errors, e.characters, e.character_errors] for e in errors], np.float64).reshape(-1, 4)
    known = len(set(speakers) - {""}) >= FEWEST_SPEAKERS and "" not in speakers
    groups = np.unique(np.array(speakers), return_inverse=True)[1] if known else np.arange(len(counts))
    sums = np.zeros((groups.max() + 1 if len(groups) else 0, 4))
    np.add.at(sums, groups, counts)
    wer, cer = _ratio(counts[:, 1].sum(), counts[:, 0].sum()), _ratio(counts[:, 3].sum(), counts[:, 2].sum())
    spread = _intervals(sums) if intervals and len(sums) else [(np.nan, np.nan)] * 2
    exact = float(np.mean(counts[:, 3] == 0)) if len(counts) else float("nan")
    return Rates(len(counts), int(counts[:, 0].sum()), wer, spread[0], cer, spread[1], exact)


def _intervals(sums: np.ndarray) -> list[tuple[float, float]]:
    """Of the rates of words and of characters, for groups with `sums` [n, 4]; NaN where all groups have the same."""
    rng, rates = np.random.default_rng(0), []
    rows = max(1, MOST_DRAWN // len(sums))  # at once, so that memory does not grow with the clips
    for start in range(0, RESAMPLES, rows):
        drawn = rng.integers(len(sums), size=(min(rows, RESAMPLES - start), len(sums)))
        rates.append([sums[:, wrong][drawn].sum(axis=1) / sums[:, of][drawn].sum(axis=1) for wrong, of in WRONG_OF])
    found = []
    for rate, (wrong, of) in zip(np.concatenate(rates, axis=1), WRONG_OF, strict=True):
        alike = np.array_equal(sums[:, wrong] * sums[0, of], sums[0, wrong] * sums[:, of])
        found.append((np.nan, np.nan) if alike else tuple(np.percentile(rate, (2.5, 97.5)).tolist()))
    return found


def most_wrong(num_clips: int) -> float:
    """Share of clips, 0 to 1, that may be wrong although none of `num_clips` was: Clopper and Pearson's bound (1934), one-sided, 95 %.

    Clips are taken for independent; those of one speaker are less than that.
    """
    return 1 - 0.05 ** (1 / num_clips)


def confusions(references: Sequence[str], hypotheses: Sequence[str]) -> list[tuple[str, str, int]]:
    """The 20 most frequent mistakes: akshara said, akshara heard, times; empty where one was left out or put in."""
    jiwer = _jiwer()
    counts: Counter[tuple[str, str]] = Counter()
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        said, heard = (["\u2423" if each == " " else each for each in aksharas(text)] for text in (reference, hypothesis))
        aligned = jiwer.process_words(" ".join(said), " ".join(heard))
        for chunk in aligned.alignments[0]:
            left, right = said[chunk.ref_start_idx : chunk.ref_end_idx], heard[chunk.hyp_start_idx : chunk.hyp_end_idx]
            if chunk.type == "substitute":
                counts.update(zip(left, right, strict=True))
            elif chunk.type == "delete":
                counts.update((each, "") for each in left)
            elif chunk.type == "insert":
                counts.update(("", each) for each in right)
    return [(said, heard, count) for (said, heard), count in counts.most_common(20)]


def guesses(references: Sequence[str], training: Sequence[str]) -> list[str]:
    """Texts as long as `references`, of characters drawn as often as they are in `training`: what knows the language and hears nothing."""
    rng = np.random.default_rng(0)
    counts = Counter("".join(training))
    letters = sorted(counts)
    shares = np.array([counts[letter] for letter in letters], np.float64)
    return ["".join(rng.choice(letters, size=len(text), p=shares / shares.sum())) for text in references]


def _ratio(wrong: float, of: float) -> float:
    return float(wrong / of) if of else float("nan")


def _jiwer():
    try:
        import jiwer
    except ImportError as error:
        raise TelucodecError('errors in texts are counted by jiwer; pip install "telucodec[recognizer]"') from error
    return jiwer
