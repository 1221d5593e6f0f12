"""ABX answers to numbers: how often X was recognised, and how likely so many correct answers are for someone who guesses."""

from collections.abc import Sequence
from dataclasses import dataclass

from telucodec.errors import TelucodecError
from telucodec.evaluation.listening.key import Key
from telucodec.evaluation.listening.session import Session


@dataclass(frozen=True)
class Tally:
    """Correct answers of some trials."""

    correct: int
    trials: int
    p: float
    """Exact one-sided binomial test: chance of so many correct or more by guessing."""
    low: float
    """Ends of the 95 % Clopper-Pearson interval of the share of correct answers."""
    high: float

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

    All trials count alike, whoever answered: under guessing they are independent, which is all that the p-value supposes.
    """
    found: dict[str, list[tuple[int, str, bool]]] = {system.name: [] for system in key.systems if system.name != key.against}
    for session in sessions:
        for answer in session.answers:
            sounds = key.items[answer.item].sounds
            (name,) = {sounds[answer.a], sounds[answer.b]} - {key.against}
            found[name].append((answer.item, session.listener, answer.correct))
    labels = {system.name: system for system in key.systems}
    systems = [
        AbxSystem(
            name,
            labels[name].label,
            labels[name].kbps,
            tally([right for _, _, right in answers]),
            tuple(tally([right for item, _, right in answers if item == number]) for number in range(len(key.items))),
            tuple((one.listener, tally([right for _, who, right in answers if who == one.listener])) for one in sessions),
        )
        for name, answers in found.items()
    ]
    clips, listeners = tuple(item.clip for item in key.items), tuple(session.listener for session in sessions)
    return AbxScores(clips, listeners, labels[key.against].label, tuple(systems))


def tally(answers: Sequence[bool]) -> Tally:
    """Count `answers`, at least one, and test them."""
    try:
        from scipy.stats import binomtest
    except ImportError as error:
        raise TelucodecError('the binomial test needs scipy: pip install "telucodec[eval]"') from error
    correct, trials = sum(answers), len(answers)
    interval = binomtest(correct, trials).proportion_ci(0.95, "exact")
    return Tally(correct, trials, float(binomtest(correct, trials, 0.5, "greater").pvalue), float(interval.low), float(interval.high))
