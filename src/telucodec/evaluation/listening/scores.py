"""MUSHRA ratings to numbers: who is left out, means with their intervals, differences with their p-values.

Recommendation ITU-R BS.1534-3: screening of listeners after the test, section 4.1.2; its rules and one for the low anchor, which who rates
everything 100 breaks even where there is no mid anchor. Listeners are the sample, clips are fixed: intervals and
p-values tell what other listeners would say of these clips.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from telucodec.counting import counted
from telucodec.errors import TelucodecError
from telucodec.evaluation.bootstrap import bootstrap_interval
from telucodec.evaluation.listening.key import Key
from telucodec.evaluation.listening.session import Session
from telucodec.metrics.metric import Measured

GOOD = 90
"""BS.1534-3: who knows the reference rates it at least so; who hears the mid anchor's loss rates that at most so."""
MAX_SHARE = 0.15
"""Of the clips on which a listener may rate otherwise."""
TOO_GOOD_SHARE = 0.25
"""Where more listeners than that rate the mid anchor above GOOD, the clip hardly suffers from it and counts against nobody."""
NARROW_SHARE = 0.5
"""Where more of the others than that rate the low anchor above GOOD, the clip itself is as narrow and counts against nobody."""
WANTED_LISTENERS = 20
"""BS.1534-3, section 4.3: often sufficient."""

FEWEST_LISTENERS = 6
"""With fewer, the signed-rank test cannot find p below 0.05 even where all agree: of five it is 2 / 2^5, 0.0625."""


@dataclass(frozen=True)
class Screened:
    """A listener who is not counted."""

    listener: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Estimate:
    """A mean over listeners, each the mean of the clips' ratings."""

    mean: float
    median: float
    """Of single ratings."""
    low: Measured
    """Ends of the 95 % bootstrap interval of the mean: NaN for fewer than five listeners."""
    high: Measured


@dataclass(frozen=True)
class SystemScores:
    """One system."""

    name: str
    label: str
    role: str
    kbps: float | None
    overall: Estimate
    by_clip: tuple[Estimate, ...]
    """In the key's order."""


@dataclass(frozen=True)
class Difference:
    """What listeners give `first` more than `second`."""

    first: str
    second: str
    mean: float
    low: Measured
    high: Measured
    p: Measured
    """Two-sided Wilcoxon signed-rank test of the listeners' mean differences; NaN for fewer than FEWEST_LISTENERS."""
    p_holm: Measured
    """The same, corrected by Holm's step-down method for the number of pairs."""


@dataclass(frozen=True)
class MushraScores:
    """All of it. Systems and differences are empty where every listener was screened out."""

    clips: tuple[str, ...]
    listeners: tuple[str, ...]
    """Those counted."""
    screened: tuple[Screened, ...]
    mid_anchor: bool
    """Whether the test had one, so that its rule was applied."""
    systems: tuple[SystemScores, ...]
    """Best first."""
    differences: tuple[Difference, ...]
    """Between all systems under test."""


def mushra_scores(key: Key, sessions: Sequence[Session]) -> MushraScores:
    """Analyse complete `sessions` of the MUSHRA test of `key`."""
    names = [system.name for system in key.systems]
    ratings = np.array([_ratings(key, session, names) for session in sessions], np.float64)  # [listeners, clips, systems]
    reasons = _screening(key, names, ratings)
    remaining = [place for place, found in enumerate(reasons) if not found]
    kept = ratings[remaining]
    systems, differences = [], ()
    if remaining:
        for place, system in enumerate(key.systems):
            by_clip = tuple(estimate(kept[:, [clip], place]) for clip in range(len(key.items)))
            systems.append(SystemScores(system.name, system.label, system.role, system.kbps, estimate(kept[:, :, place]), by_clip))
        means = {system.name: kept[:, :, place].mean(axis=1) for place, system in enumerate(key.systems) if system.role == "system"}
        differences = paired_differences(means)
    return MushraScores(
        clips=tuple(item.clip for item in key.items),
        listeners=tuple(sessions[place].listener for place in remaining),
        screened=tuple(Screened(session.listener, found) for session, found in zip(sessions, reasons, strict=True) if found),
        mid_anchor=key.named("mid anchor") is not None,
        systems=tuple(sorted(systems, key=lambda found: -found.overall.mean)),
        differences=differences,
    )


def _ratings(key: Key, session: Session, names: Sequence[str]) -> list[list[int]]:
    """Of one listener, [clips, systems]."""
    by_item = {answer.item: dict(zip(key.items[answer.item].sounds, answer.ratings, strict=True)) for answer in session.answers}
    return [[by_item[number][name] for name in names] for number in range(len(key.items))]


def _screening(key: Key, names: Sequence[str], ratings: np.ndarray) -> list[tuple[str, ...]]:
    """Per listener of `ratings` [listeners, clips, systems] why not to count them, nothing where there is no reason."""
    missed = ratings[:, :, names.index(key.named("reference"))] < GOOD  # [listeners, clips]
    reasons = [_rule(row, f"rated the hidden reference below {GOOD}") for row in missed]
    middle = key.named("mid anchor")
    if middle is not None:
        praised = ratings[:, :, names.index(middle)] > GOOD
        telling = praised.mean(axis=0) <= TOO_GOOD_SHARE  # [clips]
        for found, row in zip(reasons, praised, strict=True):
            found += _rule(row[telling], f"rated the mid anchor above {GOOD}")
    low = key.named("low anchor")
    if low is not None:
        praised = ratings[:, :, names.index(low)] > GOOD
        others = (praised.sum(axis=0) - praised) / max(1, len(praised) - 1)  # [listeners, clips]
        for found, row, telling in zip(reasons, praised, others <= NARROW_SHARE, strict=True):
            found += _rule(row[telling], f"rated the low anchor above {GOOD}")
    return [tuple(found) for found in reasons]


def _rule(broken: np.ndarray, what: str) -> list[str]:
    if not len(broken) or broken.mean() <= MAX_SHARE:
        return []
    return [f"{what} on {broken.sum()} of {len(broken)} clips, more than {100 * MAX_SHARE:.0f} %"]


def estimate(ratings: np.ndarray) -> Estimate:
    """Summarise `ratings` [listeners, clips] of one system."""
    means = ratings.mean(axis=1)
    return Estimate(float(means.mean()), float(np.median(ratings)), *bootstrap_interval(means))


def paired_differences(means: dict[str, np.ndarray]) -> tuple[Difference, ...]:
    """Compare each pair of systems by their `means` [listeners]."""
    pairs = list(combinations(means, 2))
    p_values = [wilcoxon_p(means[first] - means[second]) for first, second in pairs]
    return tuple(
        Difference(first, second, float(np.mean(means[first] - means[second])), *bootstrap_interval(means[first] - means[second]), p, holm)
        for (first, second), p, holm in zip(pairs, p_values, holm_corrected(p_values), strict=True)
    )


def wilcoxon_p(differences: np.ndarray) -> Measured:
    """Two-sided p-value of the signed-rank test of `differences` [listeners]; zeros are dropped, as Wilcoxon did (1945).

    NaN for fewer listeners than could reach 0.05, lest a large p look like an answer.
    """
    if len(differences) < FEWEST_LISTENERS:
        return Measured(
            math.nan,
            f"with {counted(len(differences), 'listener')} p cannot fall below 0.05 whatever they say; with {FEWEST_LISTENERS} it can",
        )
    try:
        from scipy.stats import wilcoxon
    except ImportError as error:
        raise TelucodecError('the signed-rank test needs scipy: pip install "telucodec[eval]"') from error
    # Means of whole ratings differ by rounding errors where they are equal, which would rank as differences and break ties.
    differences = np.round(differences, 9)
    moved = differences[differences != 0]
    if not len(moved):
        return Measured(math.nan, "no listener rates them differently")
    return Measured(float(wilcoxon(moved).pvalue))


def holm_corrected(p_values: Sequence[Measured]) -> list[Measured]:
    """Holm's correction (1979) of `p_values`; holes stay holes, and count as tests that were made."""
    order = sorted(range(len(p_values)), key=lambda place: (math.isnan(p_values[place].value), p_values[place].value))
    corrected, largest = list(p_values), 0.0
    for rank, place in enumerate(order):
        if not math.isnan(p_values[place].value):
            largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place].value))
            corrected[place] = Measured(largest)
    return corrected
