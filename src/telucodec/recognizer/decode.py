"""From log-probabilities of units to text with times: the best path, or prefix beam search with a language model.

Prefix beam search after Hannun et al., arXiv:1408.2873, algorithm 1; the language model weighs in as shallow fusion,
log p(path) + weight log p_LM(symbol | prefix) + bonus for each symbol, which makes up for shorter texts being likelier.
"""

import math
from dataclasses import dataclass

import numpy as np

from telucodec.audio.media import SAMPLE_RATE
from telucodec.recognizer.features import FRAMES_A_STEP, FeatureConfig
from telucodec.recognizer.ngram import NGram
from telucodec.recognizer.units import BLANK, Units

NEVER = -math.inf


@dataclass(frozen=True)
class Said:
    """What was decoded."""

    numbers: tuple[int, ...]
    """Symbols."""
    steps: tuple[int, ...]
    """The step at which each is likeliest to have been said."""
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
    bonus: float = 1.0
    """Nats for each symbol."""


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
    steps: dict[tuple[int, ...], tuple[int, ...]] = {(): ()}
    for step, row in enumerate(log_probs.astype(np.float64)):
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
                    told[longer] = told[prefix] + config.bonus + (config.lm_weight * lm.log_prob(prefix, symbol) if lm else 0.0)
                    steps[longer] = (*steps[prefix], step)
                # After the same symbol a new one needs a blank between.
                add(longer, NEVER, probs[symbol] + (ends_blank if prefix and symbol == prefix[-1] else both))
        best = sorted(grown, key=lambda prefix: _sum(*grown[prefix]) + told[prefix], reverse=True)[: config.width]
        beam = {prefix: grown[prefix] for prefix in best}
        told = {prefix: told[prefix] for prefix in beam}
        steps = {prefix: steps[prefix] for prefix in beam}
    ended = {prefix: told[prefix] + (config.lm_weight * lm.log_prob(prefix, BLANK) if lm else 0.0) for prefix in beam}
    best = max(beam, key=lambda prefix: _sum(*beam[prefix]) + ended[prefix])
    return Said(best, steps[best], float(_sum(*beam[best]) + ended[best]))


def _sum(first: float, second: float) -> float:
    """Logarithm of the sum of two probabilities, from their logarithms."""
    most, least = max(first, second), min(first, second)
    return most if least == NEVER else most + math.log1p(math.exp(least - most))


def words(said: Said, units: Units, features: FeatureConfig, offset_s: float = 0.0) -> list[Word]:
    """The words of `said` with times in seconds: from the step of the first symbol to behind that of the last, within 40 ms or so."""
    step_s = FRAMES_A_STEP * features.hop / SAMPLE_RATE
    found: list[tuple[list[int], int, int]] = []
    begins = True
    for number, step in zip(said.numbers, said.steps, strict=True):
        piece = units.symbols[number - 1]
        space = piece.startswith((" ", "\u2581"))
        if piece in (" ", "\u2581"):
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
