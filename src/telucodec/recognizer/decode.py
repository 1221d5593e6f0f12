"""From log-probabilities of units to text with times: the best path, or prefix beam search with a language model.

Prefix beam search after Hannun et al., arXiv:1408.2873, algorithm 1; the language model weighs in as shallow fusion,
log p(path) + weight (log p_LM(symbol | prefix) + bonus) for each symbol; the bonus makes up for shorter texts being likelier.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from telucodec.audio.media import SAMPLE_RATE
from telucodec.recognizer.features import FRAMES_A_STEP, FeatureConfig
from telucodec.recognizer.ngram import NGram
from telucodec.recognizer.units import BLANK, WORD_START, Units

NEVER = -math.inf


@dataclass(frozen=True)
class Said:
    """What was decoded."""

    numbers: tuple[int, ...]
    """Symbols."""
    steps: tuple[int, ...]
    """The step at which each begins on the likeliest path that says them."""
    score: float
    """Log-probability of the path or prefix, the language model's share included."""


@dataclass(frozen=True)
class Word:
    """A word and where it was said."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class BeamConfig:
    """How widely to search."""

    width: int = 16
    """Prefixes kept after each step."""
    symbols: int = 12
    """Likeliest symbols tried at each step, at most."""
    least_log_prob: float = -7.0
    """Of a symbol to be tried: one in a thousand; at most steps that leaves the blank alone."""
    lm_weight: float = 0.5
    """Of the language model; at 0 it is as if there were none."""
    bonus: float = 2.0
    """Nats for each symbol, weighed as the language model is."""


def best_path(log_probs: np.ndarray) -> Said:
    """The likeliest symbol of each step of log_probs [F, N], repeats and blanks taken out."""
    path = log_probs.argmax(axis=1)
    starts = np.flatnonzero((path != BLANK) & np.concatenate([[True], path[1:] != path[:-1]]) if len(path) else path)
    return Said(tuple(path[starts].tolist()), tuple(starts.tolist()), float(log_probs.max(axis=1).sum()))


def beam_search(log_probs: np.ndarray, lm: NGram | None, config: BeamConfig = BeamConfig()) -> Said:
    """The likeliest text of log_probs [F, N], summed over the paths that say it, with a language model of symbols."""
    # prefix -> [log p that it ends in blank, log p that it ends in its last symbol]; `told` holds what the language model adds
    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, NEVER)}
    told: dict[tuple[int, ...], float] = {(): 0.0}
    for row in log_probs.astype(np.float64):
        likely = [
            symbol for symbol in np.argsort(row)[-config.symbols :].tolist() if symbol != BLANK and row[symbol] >= config.least_log_prob
        ]
        probs = row.tolist()
        grown: dict[tuple[int, ...], tuple[float, float]] = {}

        def add(prefix: tuple[int, ...], blank: float, symbol: float, grown=grown) -> None:
            before = grown.get(prefix, (NEVER, NEVER))
            grown[prefix] = _sum(before[0], blank), _sum(before[1], symbol)

        for prefix, (ends_blank, ends_symbol) in beam.items():
            both = _sum(ends_blank, ends_symbol)
            add(prefix, both + probs[BLANK], ends_symbol + probs[prefix[-1]] if prefix else NEVER)
            for symbol in likely:
                longer = (*prefix, symbol)
                if longer not in told:
                    told[longer] = told[prefix] + (config.lm_weight * (lm.log_prob(prefix, symbol) + config.bonus) if lm else 0.0)
                # After the same symbol a new one needs a blank between.
                add(longer, NEVER, probs[symbol] + (ends_blank if prefix and symbol == prefix[-1] else both))
        best = sorted(grown, key=lambda prefix: _sum(*grown[prefix]) + told[prefix], reverse=True)[: config.width]
        beam = {prefix: grown[prefix] for prefix in best}
        told = {prefix: told[prefix] for prefix in beam}
    ended = {prefix: told[prefix] + (config.lm_weight * lm.log_prob(prefix, BLANK) if lm else 0.0) for prefix in beam}
    best = max(beam, key=lambda prefix: _sum(*beam[prefix]) + ended[prefix])
    return Said(best, tuple(placed(log_probs, np.array(best, int))), float(_sum(*beam[best]) + ended[best]))


def log_probs_of(log_probs: np.ndarray, sentences: Sequence[np.ndarray]) -> np.ndarray:
    """Log-probability [C] that each of `sentences` of symbols is what log_probs [F, N] says, over all paths; -inf where it does not fit in.

    CTC's forward pass (Graves et al., ICML 2006, section 4.1), all sentences at once.
    """
    states = np.full((len(sentences), 2 * max(map(len, sentences), default=0) + 1), BLANK)  # a blank before, between and after
    for place, sentence in zip(states, sentences, strict=True):
        place[1 : 2 * len(sentence) : 2] = sentence
    skips = np.zeros(states.shape, bool)
    skips[:, 2:] = (states[:, 2:] != BLANK) & (states[:, 2:] != states[:, :-2])
    alpha = np.full(states.shape, NEVER)
    alpha[:, :1] = 0.0  # before the first step
    with np.errstate(invalid="ignore"):
        for step, row in enumerate(log_probs.astype(np.float64)):
            one = np.pad(alpha[:, :-1], ((0, 0), (1, 0)), constant_values=NEVER)
            two = np.where(skips, np.pad(alpha[:, :-2], ((0, 0), (2, 0)), constant_values=NEVER), NEVER)[:, : states.shape[1]]
            alpha = np.logaddexp(np.logaddexp(alpha, one), two) + row[states]
            if step == 0:
                alpha[:, 2:] = NEVER
    ends = np.array([2 * len(sentence) for sentence in sentences])
    every = np.arange(len(sentences))
    return np.logaddexp(alpha[every, ends], np.where(ends > 0, alpha[every, np.maximum(ends - 1, 0)], NEVER))


def placed(log_probs: np.ndarray, sentence: np.ndarray) -> list[int]:
    """Steps of log_probs [F, N] at which the symbols of `sentence` begin on its likeliest path; F must be enough for them."""
    states = np.full(2 * len(sentence) + 1, BLANK)
    states[1::2] = sentence
    skips = np.concatenate([[False, False], (states[2:] != BLANK) & (states[2:] != states[:-2])])[: len(states)]
    best = np.full((len(log_probs) + 1, len(states)), NEVER)
    best[0, 0] = 0.0
    came = np.zeros((len(log_probs), len(states)), int)  # states back
    for step, row in enumerate(log_probs.astype(np.float64)):
        before = best[step]
        ways = np.full((3, len(states)), NEVER)
        ways[0], ways[1, 1:] = before, before[:-1]
        ways[2, 2:] = np.where(skips[2:], before[:-2], NEVER)
        came[step] = ways.argmax(axis=0)
        best[step + 1] = ways.max(axis=0) + row[states]
    state = len(states) - 1
    if len(states) > 1 and best[-1, -2] > best[-1, -1]:
        state -= 1
    begins = [0] * len(sentence)
    for step in range(len(log_probs) - 1, -1, -1):
        if state % 2:
            begins[state // 2] = step
        state -= came[step, state]
    return begins


def _sum(first: float, second: float) -> float:
    """Logarithm of the sum of two probabilities, from their logarithms."""
    most, least = max(first, second), min(first, second)
    return most if least == NEVER else most + math.log1p(math.exp(least - most))


def words(said: Said, units: Units, features: FeatureConfig, offset_s: float = 0.0) -> list[Word]:
    """The words of `said` with times in seconds: from the step of the first symbol to behind that of the last.

    Said is not spoken: CTC is free to say a first symbol half a second before its sound, and a last one as long after it.
    """
    step_s = FRAMES_A_STEP * features.hop / SAMPLE_RATE
    found: list[tuple[list[int], int, int]] = []
    begins = True
    for number, step in zip(said.numbers, said.steps, strict=True):
        piece = units.symbols[number - 1]
        space = piece.startswith((" ", WORD_START))
        if piece in (" ", WORD_START):
            begins = True
            continue
        if begins or space or not found:
            found.append(([], step, step))
        found[-1][0].append(number)
        found[-1] = (found[-1][0], found[-1][1], step)
        begins = False
    return [
        Word(units.decode(numbers), round(offset_s + first * step_s, 3), round(offset_s + (last + 1) * step_s, 3))
        for numbers, first, last in found
    ]
