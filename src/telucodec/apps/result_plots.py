"""What results.json looks like: quality against rate, with the estimate of what SNR is possible behind it, and SNR clip by clip."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from telucodec.apps.plots import Bar, Panel, Point, interval_plot_svg, rate_plot_svg
from telucodec.apps.table import summaries
from telucodec.apps.verdicts import PESQ, RATIO, SNR_DB, STOI
from telucodec.audio.media import read_media
from telucodec.errors import DataError, TelucodecError
from telucodec.evaluation.bound import bound as bound_of
from telucodec.evaluation.clips import open_clips
from telucodec.evaluation.judge import UNTOUCHED
from telucodec.evaluation.results import Results, beside
from telucodec.evaluation.summary import PCM_KBPS
from telucodec.metrics.metric import NotMeasured
from telucodec.metrics.rate_distortion import Bracket, bracket

PLOTTED = {"pesq": PESQ, "stoi": STOI, "visqol": math.nan, "snr_db": SNR_DB, "wer": math.nan, "cer": math.nan}
"""Metrics that are drawn against the rate, each with the value asked for; what a recogniser makes of the original is drawn in its place."""
BOUND_RATES = 24
LEAST_KBPS = 0.4
"""Where the estimate begins; below it says nothing."""


@dataclass(frozen=True)
class Bound:
    """What SNR the speech itself allows; no `points` where it could not be estimated, for `reason`."""

    points: tuple[tuple[float, float, float], ...] = ()
    """(kbps, dB by bands, dB by single harmonics)."""
    heard: str = ""
    """What it was estimated from."""
    reason: str = ""


def bound(results: Results, results_path: Path, test_set: Path | None) -> Bound:
    """The estimate from `test_set`, or else from the clips that were kept as sound. Raises DataError for another test set than the results'."""
    try:
        if test_set is not None:
            if results.test_set.sha256 != open_clips(test_set).sha256:
                raise DataError(f"{test_set}: is not what these results were measured on; leave it out, or name the same test set")
            found, heard = bound_of(test_set), "all test clips"
        else:
            found, heard = _bound_of_samples(results, results_path)
    except NotMeasured as hole:
        return Bound(reason=str(hole))
    coded = [summary.kbps for name, summary in summaries(results).items() if name != UNTOUCHED and summary.kbps > 0]
    widest = max(coded, default=PCM_KBPS / RATIO)
    rates = np.linspace(LEAST_KBPS, 1.06 * max(widest, PCM_KBPS / RATIO), BOUND_RATES)
    return Bound(tuple((float(kbps), *found.snr_db_for(kbps)) for kbps in rates), heard)


def _bound_of_samples(results: Results, results_path: Path) -> tuple[Bracket, str]:
    waves = []
    for sample in results.samples:
        try:
            waves.append(read_media(beside(results_path, sample.original))[0])
        except TelucodecError:
            continue  # its player says why
    if not waves:
        raise NotMeasured("no original was kept as sound to estimate it from")
    return bracket(waves), f"{len(waves)} of {results.test_set.num_clips} test clips"


def rate_plot(results: Results, estimate: Bound) -> str:
    """Means of what was measured of every codec against its measured rate, with their intervals; empty where nothing was."""
    found, panels = summaries(results), []
    metrics = {metric.name: metric for metric in results.metrics}
    for name, asked in PLOTTED.items():
        if metric := metrics.get(name):
            spreads = {row.name: found[row.name].spreads[name] for row in results.contenders}
            lines = _lines(results, {codec: (spread.mean, spread.low, spread.high) for codec, spread in spreads.items()})
            title = f"{metric.label}, {metric.unit}: mean over clips" if metric.unit else f"{metric.label}: mean over clips"
            marked, label = asked, ""
            if name in ("wer", "cer") and UNTOUCHED in spreads:
                marked, label = spreads[UNTOUCHED].mean, "what the recogniser makes of the original"
            panels += [Panel(title, lines, marked, marked_label=label)] if lines else []
    lines = _lines(results, {name: (summary.pooled_snr.value, math.nan, math.nan) for name, summary in found.items()})
    if lines:
        label = f"estimate of what is possible, its upper edge optimistic, from {estimate.heard}"
        panels.append(Panel("SNR of all clips as one, dB", lines, SNR_DB, estimate.points, label))
    return rate_plot_svg(panels, PCM_KBPS / RATIO) if panels else ""


def _lines(results: Results, values: dict[str, tuple[float, float, float]]) -> dict[str, list[Point]]:
    found, lines = summaries(results), {}
    for row in results.contenders:
        if row.name != UNTOUCHED and found[row.name].kbps > 0 and math.isfinite(values[row.name][0]):
            lines.setdefault(row.family, []).append(Point(found[row.name].kbps, *values[row.name]))
    return lines


def snr_plot(results: Results) -> str:
    """SNR of every clip, by codec; empty where none was measured."""
    bars = []
    for row in results.contenders:
        values = [trial.values["snr_db"] for trial in results.of(row.name) if trial.values.get("snr_db") is not None]
        if values and row.name != UNTOUCHED:  # rounding to 16 bits has 80 dB, which would leave no room for codecs
            low, middle, high = (float(value) for value in np.percentile(values, (25, 50, 75)))
            bars.append(Bar(row.label, middle, low, high, tuple(values)))
    if not bars:
        return ""
    return interval_plot_svg(bars, "SNR, dB: marks are clips, the dot their median, the bar the middle half", _limits(bars), marked=SNR_DB)


def _limits(bars: Sequence[Bar]) -> tuple[float, float]:
    values = [value for bar in bars for value in bar.singles]
    return min(*values, 0.0) - 1, max(*values, SNR_DB) + 1
