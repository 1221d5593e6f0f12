"""What listeners said, for the terminal, for scripts and as a picture."""

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from telucodec.apps.plots import Bar, interval_plot_svg
from telucodec.apps.table import NOT_MEASURED
from telucodec.counting import counted
from telucodec.evaluation.listening.abx import AbxScores, Tally
from telucodec.evaluation.listening.scores import Difference, Estimate, MushraScores
from telucodec.files import without_nan
from telucodec.metrics.metric import Measured

NAME_WIDTH = 16
CLIPS_SHOWN = 12
"""More clips than that are for --json."""


def mushra_tables(scores: MushraScores) -> list[Table]:
    """Systems, systems by clip, differences; the first alone where there is nothing to compare."""
    table = _table("MUSHRA, 0 to 100", "Interval: 95 % bootstrap over listeners, of the mean", "kbps", "Mean", "Interval", "Median")
    for system in scores.systems:
        found = system.overall
        table.add_row(Text(system.label), _kbps(system.kbps), f"{found.mean:.1f}", _interval(found.low, found.high), f"{found.median:.1f}")
    tables = [table]
    if 1 < len(scores.clips) <= CLIPS_SHOWN:
        by_clip = _table("Means by clip", "", *map(str, range(1, len(scores.clips) + 1)))
        for system in scores.systems:
            by_clip.add_row(Text(system.label), *(f"{found.mean:.1f}" for found in system.by_clip))
        tables.append(by_clip)
    if scores.differences:
        labels = {system.name: system.label for system in scores.systems}
        caption = "p: two-sided Wilcoxon signed-rank test of listeners' means; Holm: corrected for the number of pairs"
        pairs = _table("Differences", caption, "Mean", "Interval", "p", "p, Holm")
        for found in scores.differences:
            name = f"{labels[found.first]} - {labels[found.second]}"
            pairs.add_row(Text(name), f"{found.mean:+.1f}", _interval(found.low, found.high), _p(found.p), _p(found.p_holm))
        tables.append(pairs)
    return tables


def abx_tables(scores: AbxScores) -> list[Table]:
    """Systems, and systems by listener."""
    caption = (
        "p: chance of so many correct answers or more by guessing, exact binomial; Holm: corrected for the number of systems; "
        "interval: 95 % over listeners"
    )
    table = _table(f"ABX against {scores.against}", caption, "kbps", "Correct", "Share", "Interval", "p", "p, Holm")
    for system in scores.systems:
        found = system.overall
        numbers = f"{found.correct} of {found.trials}", f"{100 * found.share:.0f} %", _share_interval(found)
        table.add_row(Text(system.label), _kbps(system.kbps), *numbers, f"{found.p:.2g}", f"{system.p_holm:.2g}")
    by_listener = _table("Correct by listener", "p: of each by itself, not corrected", *(system.label for system in scores.systems))
    for place, listener in enumerate(scores.listeners):
        tallies = [system.by_listener[place][1] for system in scores.systems]
        by_listener.add_row(Text(listener), *(f"{found.correct} of {found.trials}, p {found.p:.2g}" for found in tallies))
    return [table, by_listener]


def mushra_numbers(scores: MushraScores) -> dict[str, Any]:
    """For scripts: all of it, unrounded, null where not measured, with the reason beside it."""
    return {
        "method": "mushra",
        "clips": scores.clips,
        "listeners": scores.listeners,
        "screened": [{"listener": found.listener, "reasons": found.reasons} for found in scores.screened],
        "mid_anchor": scores.mid_anchor,
        "systems": [
            {"name": found.name, "label": found.label, "role": found.role, "kbps": found.kbps, **_estimate(found.overall)}
            | {"by_clip": [_estimate(each) for each in found.by_clip]}
            for found in scores.systems
        ],
        "differences": [_difference(found) for found in scores.differences],
    }


def abx_numbers(scores: AbxScores) -> dict[str, Any]:
    """For scripts: all of it."""
    return {
        "method": "abx",
        "clips": scores.clips,
        "listeners": scores.listeners,
        "against": scores.against,
        "systems": [
            {"name": found.name, "label": found.label, "kbps": found.kbps, **_tally(found.overall), "p_holm": found.p_holm}
            | {"by_clip": [_tally(each) for each in found.by_clip]}
            | {"by_listener": [{"listener": who, **_tally(each)} for who, each in found.by_listener]}
            for found in scores.systems
        ],
    }


def mushra_plot_svg(scores: MushraScores) -> str:
    """Means with their intervals, a mark for each clip."""
    bars = [
        Bar(found.label, found.overall.mean, found.overall.low.value, found.overall.high.value, tuple(each.mean for each in found.by_clip))
        for found in scores.systems
    ]
    who = counted(len(scores.listeners), "listener")
    return interval_plot_svg(bars, f"MUSHRA score: mean and 95 % interval of {who}, marks: clips", (-2, 102))


def abx_plot_svg(scores: AbxScores) -> str:
    """Shares of correct answers with their intervals, and the share of someone who guesses."""
    bars = [
        Bar(
            found.label,
            100 * found.overall.share,
            100 * found.overall.low.value,
            100 * found.overall.high.value,
            tuple(100 * each.share for each in found.by_clip),
        )
        for found in scores.systems
    ]
    who = counted(len(scores.listeners), "listener")
    return interval_plot_svg(bars, f"% correct and 95 % interval of {who}, marks: clips, dotted: guessing", (-2, 102), marked=50)


def _table(title: str, caption: str, *columns: str) -> Table:
    table = Table(title=Text(title), caption=caption, box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("", min_width=NAME_WIDTH, overflow="fold")
    for column in columns:
        table.add_column(Text(column), justify="right")
    return table


def _kbps(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _interval(low: Measured, high: Measured) -> str:
    return NOT_MEASURED if low.reason else f"{low.value:.1f} to {high.value:.1f}"


def _share_interval(found: Tally) -> str:
    return NOT_MEASURED if found.low.reason else f"{100 * found.low.value:.0f} to {100 * found.high.value:.0f} %"


def _p(found: Measured) -> str:
    return NOT_MEASURED if found.reason else f"{found.value:.2g}"


def _estimate(found: Estimate) -> dict[str, Any]:
    return {"mean": found.mean, "median": found.median, **_values(low=found.low, high=found.high)}


def _difference(found: Difference) -> dict[str, Any]:
    measured = _values(low=found.low, high=found.high, p=found.p, p_holm=found.p_holm)
    return {"first": found.first, "second": found.second, "mean": found.mean, **measured}


def _values(**found: Measured) -> dict[str, Any]:
    holes = {name: measured.reason for name, measured in found.items() if measured.reason}
    return without_nan({name: measured.value for name, measured in found.items()}) | ({"holes": holes} if holes else {})


def _tally(found: Tally) -> dict[str, Any]:
    counts = {"correct": found.correct, "trials": found.trials, "share": found.share, "p": found.p}
    return counts | _values(low=found.low, high=found.high)


def screening_lines(scores: MushraScores) -> Sequence[str]:
    """Who was left out and why, and what the rule could not look at."""
    lines = [f"not counted: {found.listener} {'; '.join(found.reasons)}" for found in scores.screened]
    return lines if scores.mid_anchor else [*lines, "screened by the hidden reference and the low anchor: this test has no mid anchor"]


def hole_lines(scores: MushraScores | AbxScores) -> Sequence[str]:
    """Why some intervals and p-values are not measured, each reason once."""
    found = [measured for system in scores.systems for measured in (system.overall.low, system.overall.high)]
    if isinstance(scores, MushraScores):
        found += [measured for pair in scores.differences for measured in (pair.low, pair.high, pair.p)]
    return [f"{NOT_MEASURED}: {reason}" for reason in dict.fromkeys(measured.reason for measured in found if measured.reason)]
