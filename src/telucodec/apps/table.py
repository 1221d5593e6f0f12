"""The table of contenders, once for the terminal and the report: every cell comes from results, or says "not measured" and why."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from telucodec.counting import counted
from telucodec.evaluation.judge import UNTOUCHED
from telucodec.evaluation.results import ContenderRow, MetricRow, Results
from telucodec.evaluation.summary import Spread, Summary, summarise
from telucodec.files import without_nan

NOT_MEASURED = "not measured"
NOT_AVAILABLE = "not available"


@dataclass(frozen=True)
class Cell:
    """What a table shows, and what a reader who asks is told."""

    text: str
    detail: str = ""
    """The range of a mean, or the reason of a hole."""
    is_hole: bool = False
    share: str = ""
    """On how many clips it was measured, where that is not all, such as "6 of 7"."""


NUMBER_WIDTH = 8
"""Characters of a terminal's column: "measured"."""
MOST_REMARKS = 12
"""Reasons below a terminal's table."""
BRIEF = ("snr_db", "pesq", "stoi", "visqol", "wer")
"""What a terminal of 80 characters shows of more metrics than fit beside each other, which are as many as these."""


def summaries(results: Results, group: str | None = None) -> dict[str, Summary]:
    """Per contender, over all clips or those of one group."""
    metrics = [metric.name for metric in results.metrics]
    trials = {row.name: results.of(row.name) for row in results.contenders}
    return {name: summarise([trial for trial in found if group is None or trial.group == group], metrics) for name, found in trials.items()}


def headings(results: Results) -> list[Cell]:
    """What each column is, with its explanation."""
    return [
        Cell("Codec"),
        Cell("kbps", "measured: all bits over all seconds"),
        Cell("Times smaller", "than 16-bit samples at 16 kHz, 256 kbps"),
        *(Cell(f"{metric.label}, {metric.unit}" if metric.unit else metric.label, metric.about) for metric in results.metrics),
        Cell("Pooled SNR, dB", "all clips as one, so that the quietest does not rule"),
        Cell("Payload kbps", "without header, checksums and index"),
        Cell("Delay left, ms", "median over clips of what the waveforms show, once the codec's known delay is taken out"),
        Cell("Clips", "came back as they should, of all"),
        Cell("CPU s per s", "processor seconds, encoding and decoding, for a second of sound"),
        Cell("Peak MiB", "most memory of a process that codes and decodes the longest clip, Python included"),
    ]


def rows(results: Results, group: str | None = None) -> list[list[Cell]]:
    """One row for each contender, one cell for each heading."""
    found = summaries(results, group)
    return [[Cell(row.label, row.note), *_cells(row, found[row.name], results.metrics)] for row in results.contenders]


def ranges(results: Results) -> list[tuple[str, list[str], str]]:
    """Per contender its label, the least, mean and greatest clip of each metric, and the SNR of all clips as one, in words."""
    found = summaries(results)
    return [
        (
            row.label,
            [
                " / ".join(number(value, metric.digits).text for value in (spread.least, spread.mean, spread.most))
                if (spread := found[row.name].spreads[metric.name]).num_measured
                else NOT_MEASURED
                for metric in results.metrics
            ],
            number(found[row.name].pooled_snr.value, 1).text,
        )
        for row in results.contenders
        if not row.missing
    ]


def holes(results: Results) -> list[str]:
    """Why some clips were not measured: a sentence for each reason, with the metrics and codecs that share it."""
    found = summaries(results)
    labels = {row.name: row.label for row in results.contenders}
    codecs_by_hole: dict[tuple[str, str, int], list[str]] = {}
    for name, label in labels.items():
        for metric in results.metrics:
            for reason, count in found[name].spreads[metric.name].reasons:
                codecs_by_hole.setdefault((metric.label, reason, count), []).append(label)
    metrics_by_hole: dict[tuple[str, int, tuple[str, ...]], list[str]] = {}
    for (metric_label, reason, count), codecs in codecs_by_hole.items():
        metrics_by_hole.setdefault((reason, count, tuple(codecs)), []).append(metric_label)
    return [
        f"{', '.join(metrics)} of {_codecs(codecs, results)}, {counted(count, 'clip')}: {reason}"
        for (reason, count, codecs), metrics in metrics_by_hole.items()
    ]


def failures(results: Results) -> list[str]:
    """Which clips did not come back: a sentence for each reason, with the codecs that share it."""
    counts = Counter((row.label, trial.failure) for row in results.contenders for trial in results.of(row.name) if trial.failure)
    codecs_by_failure: dict[tuple[str, int], list[str]] = {}
    for (label, reason), count in counts.items():
        codecs_by_failure.setdefault((reason, count), []).append(label)
    return [
        f"{_codecs(codecs, results)}, {counted(count, 'clip')} failed: {reason}" for (reason, count), codecs in codecs_by_failure.items()
    ]


def remarks(results: Results) -> list[str]:
    """What to say below a terminal's table: failures, and what was not measured of clips that came back."""
    run = tuple(row for row in results.contenders if not row.missing)  # the table itself says why the others were not
    came_back = tuple(trial for trial in results.trials if not trial.failure)
    told = failures(results.model_copy(update={"contenders": run}))
    told += [f"not measured: {hole}" for hole in holes(results.model_copy(update={"contenders": run, "trials": came_back}))]
    more = len(told) - MOST_REMARKS
    return told if more <= 0 else [*told[:MOST_REMARKS], f"and for {more} more reasons, which the report names"]


def none_came_back(results: Results) -> bool:
    """Whether every codec failed on every clip, so that nothing was measured."""
    return all(trial.failure for trial in results.trials if trial.contender != UNTOUCHED)


def number(value: float, digits: int, unit: str = "", reason: str = "nothing to compute it from") -> Cell:
    """A value as a cell; NaN is a hole."""
    if not math.isfinite(value):
        return Cell(NOT_MEASURED, reason, is_hole=True)
    text = f"{value:.{digits}f}"
    text = text.lstrip("-") if float(text) == 0 else text
    return Cell(f"{text} {unit}".rstrip())


def spread(found: Spread, metric: MetricRow, num_clips: int) -> Cell:
    """The mean of a metric as a cell, with its range; the reasons where there is none."""
    if found.num_measured == 0:
        return Cell(
            NOT_MEASURED, "; ".join(f"{counted(count, 'clip')}: {reason}" for reason, count in found.reasons) or "no clips", is_hole=True
        )
    least, most = f"{found.least:.{metric.digits}f}", f"{found.most:.{metric.digits}f}"
    share = "" if found.num_measured == num_clips else f"{found.num_measured} of {num_clips}"
    detail = f"from {least} to {most} over {counted(found.num_measured, 'clip')}, median {found.median:.{metric.digits}f}"
    if math.isfinite(found.low):
        detail += f"; 95 % interval of the mean {found.low:.{metric.digits}f} to {found.high:.{metric.digits}f}"
    return Cell(number(found.mean, metric.digits).text, detail, share=share)


def summary_table(results: Results) -> Table:
    """What fits into a terminal; the report shows the rest."""
    measured = results.metrics
    brief = tuple(metric for metric in measured if metric.name in BRIEF)
    fitting = measured if len(measured) <= len(BRIEF) else brief or measured[: len(BRIEF)]
    results = results.model_copy(update={"metrics": fitting})
    shown = [0, 1, *range(3, 3 + len(results.metrics))]
    cells = [[row[place] for place in shown] for row in rows(results)]
    caption = [
        "SNR is waveform fidelity, not quality." + (" * not on every clip." if any(cell.share for row in cells for cell in row) else "")
    ]
    if more := len(measured) - len(fitting):
        caption.append(f"{more} more metrics are in the results and their report.")
    caption += [f"{row.label} is not available: {row.missing}" for row in results.contenders if row.missing]
    title = f"{results.test_set.name}: {counted(results.test_set.num_clips, 'clip')}"
    table = Table(title=title, caption=Text("\n".join(caption)), box=SIMPLE, padding=(0, 1, 0, 0))
    columns = headings(results)
    for place in shown:
        width = max(NUMBER_WIDTH, *map(len, columns[place].text.split())) if place else None
        table.add_column(columns[place].text, justify="right" if place else "left", width=width)
    for contender, (label, *values) in zip(results.contenders, cells, strict=True):
        told = [
            "—" if contender.missing else cell.text + (" *" if cell.share else "") for cell in values
        ]  # the caption says why it is missing
        table.add_row(*map(Text, (label.text, *told)))  # Text: a name is never markup
    return table


def summary_numbers(results: Results) -> list[dict]:
    """For scripts: per contender the same numbers as the table, unrounded, null where not measured; and of how many clips, and why not of the others."""
    missing = {row.name: row.missing for row in results.contenders}
    numbers = [
        {
            "name": name,
            "missing": missing[name],
            "kbps": summary.kbps,
            "times_smaller": summary.ratio,
            "payload_kbps": summary.payload_kbps,
            "delay_ms": summary.delay_ms,
            "pooled_snr_db": summary.pooled_snr.value,
            "cpu_s_per_s": summary.cpu_s_per_s,
            "num_clips": summary.num_clips,
            "num_failed": summary.num_failed,
            "num_measured": {metric: found.num_measured for metric, found in summary.spreads.items()},
            "holes": {metric: dict(found.reasons) for metric, found in summary.spreads.items() if found.reasons},
        }
        | {metric: found.mean for metric, found in summary.spreads.items()}
        | {f"{metric}_min": found.least for metric, found in summary.spreads.items()}
        | {f"{metric}_max": found.most for metric, found in summary.spreads.items()}
        for name, summary in summaries(results).items()
    ]
    return without_nan(numbers)


def _cells(row: ContenderRow, summary: Summary, metrics: Sequence[MetricRow]) -> list[Cell]:
    if row.missing:
        return [Cell(NOT_AVAILABLE, row.missing, is_hole=True)] * (len(metrics) + 8)
    failed = f"{counted(summary.num_failed, 'clip')} failed" if summary.num_failed else ""
    return [
        number(summary.kbps, 2, reason="no clip was encoded"),
        number(summary.ratio, 1, reason="no clip was encoded"),
        *(spread(summary.spreads[metric.name], metric, summary.num_clips) for metric in metrics),
        number(summary.pooled_snr.value, 1, reason=summary.pooled_snr.reason),
        number(summary.payload_kbps, 2, reason="no clip was encoded"),
        number(summary.delay_ms, 2, reason="at no shift is an output like its original"),
        Cell(f"{summary.num_clips - summary.num_failed} of {summary.num_clips}", failed),
        number(summary.cpu_s_per_s, 3, reason="no clip came back"),
        _peak(row),
    ]


def _peak(row: ContenderRow) -> Cell:
    if row.peak_mib is None:
        return Cell(NOT_MEASURED, row.memory_hole, is_hole=True)
    detail = f"of these {row.idle_mib:.0f} before it met the clip" if row.idle_mib is not None else ""
    return Cell(f"{row.peak_mib:.0f}", detail)


def _codecs(labels: Sequence[str], results: Results) -> str:
    return "every codec" if len(labels) == len(results.contenders) else ", ".join(labels)
