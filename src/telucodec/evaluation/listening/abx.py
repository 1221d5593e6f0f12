"""ABX answers to numbers: how often X was recognised, and how likely so many correct answers are for someone who guesses."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from telucodec.errors import TelucodecError
from telucodec.evaluation.bootstrap import bootstrap_interval
from telucodec.evaluation.listening.key import Key
from telucodec.evaluation.listening.scores import holm_corrected
from telucodec.evaluation.listening.session import Session
from telucodec.metrics.metric import Measured


@dataclass(frozen=True)
class Tally:
    """Correct answers of some trials."""

    correct: int
    trials: int
    p: float
    """Exact one-sided binomial test: chance of so many correct or more by guessing."""
    low: Measured
    """Ends of the 95 % interval of the share of correct answers: of one listener, or of all that might be asked, NaN for fewer than five."""
    high: Measured

    @property
    def share(self) -> float:
        return self.correct / self.trials


@dataclass(frozen=True)
class AbxSystem:
    """One system against the one it was compared with."""

    name: str
    label: str
    kbps: float | None
    overall: Tally
    p_holm: float
    """That of `overall`, corrected by Holm's step-down method for the number of systems."""
    by_clip: tuple[Tally, ...]
    """In the key's order."""
    by_listener: tuple[tuple[str, Tally], ...]


@dataclass(frozen=True)
class AbxScores:
    """All of it."""

    clips: tuple[str, ...]
    listeners: tuple[str, ...]
    against: str
    """Label."""
    systems: tuple[AbxSystem, ...]


def abx_scores(key: Key, sessions: Sequence[Session]) -> AbxScores:
    """Analyse complete `sessions` of the ABX test of `key`.

    For the p-value all trials count alike, whoever answered: under guessing they are independent. For the interval they are not, since
    listeners differ, so that listeners are its sample.
    """
    found: dict[str, list[list[tuple[int, bool]]]] = {system.name: [[] for _ in sessions] for system in key.systems}
    del found[key.against]
    for place, session in enumerate(sessions):
        for answer in session.answers:
            sounds = key.items[answer.item].sounds
            (name,) = {sounds[answer.a], sounds[answer.b]} - {key.against}
            found[name][place].append((answer.item, answer.correct))
    labels, listeners = {system.name: system for system in key.systems}, tuple(session.listener for session in sessions)
    overall = {name: pooled([[right for _, right in own] for own in answers]) for name, answers in found.items()}
    corrected = holm_corrected([Measured(tallied.p) for tallied in overall.values()])
    systems = [
        AbxSystem(
            name,
            labels[name].label,
            labels[name].kbps,
            overall[name],
            p_holm.value,
            tuple(pooled([[right for item, right in own if item == number] for own in answers]) for number in range(len(key.items))),
            tuple((who, tally([right for _, right in own])) for who, own in zip(listeners, answers, strict=True)),
        )
        for (name, answers), p_holm in zip(found.items(), corrected, strict=True)
    ]
    return AbxScores(tuple(item.clip for item in key.items), listeners, labels[key.against].label, tuple(systems))


def tally(answers: Sequence[bool]) -> Tally:
    """Count `answers` of one listener, at least one, and test them; the interval is that of Clopper and Pearson."""
    try:
        from scipy.stats import binomtest
    except ImportError as error:
        raise TelucodecError('the binomial test needs scipy: pip install "telucodec[eval]"') from error
    correct, trials = sum(answers), len(answers)
    interval = binomtest(correct, trials).proportion_ci(0.95, "exact")
    p = float(binomtest(correct, trials, 0.5, "greater").pvalue)
    return Tally(correct, trials, p, Measured(float(interval.low)), Measured(float(interval.high)))


def pooled(by_listener: Sequence[Sequence[bool]]) -> Tally:
    """Count what listeners answered, each as many trials; the interval is the bootstrap's over listeners.

    It is never narrower than if one listener had answered all: listeners who chance to have equal shares differ by nothing that it could draw.
    """
    together = tally([right for answers in by_listener for right in answers])
    low, high = bootstrap_interval(np.array([np.mean(answers) for answers in by_listener]))
    if not low.reason:
        low, high = min(low, together.low), max(high, together.high)
    return replace(together, low=low, high=high)
