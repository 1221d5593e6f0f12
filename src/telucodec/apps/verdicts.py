"""The success criteria of a codec project, each judged on what was measured and on nothing else.

A criterion passes where its value was measured on clips that all came back; a measured value on the wrong side fails;
anything else is not measured. Time and cost that nobody set a limit to are shown, and not judged. All criteria of a setting are
judged on that setting: one rate, one mode.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from telucodec.apps.build_record import BuildRecord
from telucodec.apps.table import NOT_MEASURED, number, spread, summaries
from telucodec.evaluation.results import ContenderRow, Results
from telucodec.evaluation.summary import PCM_KBPS, Summary

Status = Literal["PASS", "FAIL", "NOT MEASURED", "NO LIMIT"]

SNR_DB = 15.0
RATIO = 40.0
PESQ = 3.0
STOI = 0.9

NO_TIME = "No build record tells it."


@dataclass(frozen=True)
class Verdict:
    """One criterion."""

    criterion: str
    status: Status
    measured: str
    threshold: str
    note: str = ""


def headline(results: Results, build: BuildRecord) -> ContenderRow | None:
    """The setting under test that meets the most criteria, the first of several; None where no trained model was run."""
    under_test = [row for row in results.contenders if row.model]
    return max(under_test, key=lambda row: sum(v.status == "PASS" for v in verdicts(results, row, build)), default=None)


def verdicts(results: Results, setting: ContenderRow | None, build: BuildRecord) -> list[Verdict]:
    """All criteria, for one contender of `results`; without one, only time and cost can have been measured."""
    if setting is None:
        why = "no trained codec was run in these results"
        names = {
            "Demo works": "every clip",
            "SNR": f"> {SNR_DB:g} dB",
            "Sounds acceptable": _acceptable(),
            "Compression": f">= {RATIO:g} times",
        }
        judged = [Verdict(name, "NOT MEASURED", NOT_MEASURED, threshold, why) for name, threshold in names.items()]
    else:
        summary = summaries(results)[setting.name]
        judged = [_demo(summary), _snr(results, summary), _sound(results, summary), _ratio(summary)]
    return [*judged, _time(build), _cost(build)]


def _demo(summary: Summary) -> Verdict:
    threshold = "every clip encoded, decoded, as long as before"
    good = summary.num_clips - summary.num_failed
    status = "NOT MEASURED" if summary.num_clips == 0 else "PASS" if good == summary.num_clips else "FAIL"
    measured = f"{good} of {summary.num_clips} clips" if summary.num_clips else NOT_MEASURED
    return Verdict("Demo works", status, measured, threshold, "" if summary.num_clips else "no clips")


def _snr(results: Results, summary: Summary) -> Verdict:
    measured, held = _mean(results, summary, "snr_db", SNR_DB, strictly=True)
    pooled = number(summary.pooled_snr.value, 1, "dB", summary.pooled_snr.reason)
    if held is not None:
        held = None if pooled.is_hole else held and summary.pooled_snr.value > SNR_DB
    note = "Waveform fidelity, not quality. The mean over clips, and all clips as one, must hold."
    both_missing = measured == pooled.text == NOT_MEASURED
    told = NOT_MEASURED if both_missing else f"{measured} on average, {pooled.text} over all clips together"
    return Verdict("SNR", _status(summary, held), told, f"> {SNR_DB:g} dB", note)


def _sound(results: Results, summary: Summary) -> Verdict:
    pesq, pesq_held = _mean(results, summary, "pesq", PESQ)
    stoi, stoi_held = _mean(results, summary, "stoi", STOI)
    held = False if False in (pesq_held, stoi_held) else None if None in (pesq_held, stoi_held) else True
    note = "A stand-in by two predictions. A listening test with people: not measured."
    return Verdict("Sounds acceptable", _status(summary, held), f"PESQ {pesq}, STOI {stoi}", _acceptable(), note)


def _acceptable() -> str:
    return f"PESQ >= {PESQ:.1f} and STOI >= {STOI:g}"


def _ratio(summary: Summary) -> Verdict:
    cell, rate = number(summary.ratio, 1, "times"), number(summary.kbps, 2, "kbps")
    held = None if cell.is_hole else summary.ratio >= RATIO
    measured = cell.text if cell.is_hole else f"{cell.text} ({rate.text})"
    return Verdict(
        "Compression", _status(summary, held), measured, f">= {RATIO:g} times", f"Against 16-bit samples at 16 kHz, {PCM_KBPS:g} kbps."
    )


def _time(build: BuildRecord) -> Verdict:
    return _within("Time", build.spent_s(), build.terms.time_s, duration, "{:.6g} s", NO_TIME)


def _cost(build: BuildRecord) -> Verdict:
    why = NO_TIME if math.isnan(build.spent_s()) else "The price of an hour was not given."
    return _within("Cost", build.cost(), build.terms.cost, _money, "{:.6g}", why, "In the currency of the price.")


def _money(amount: float) -> str:
    return f"{amount:.2f}" if amount >= 1 else f"{amount:.3g}"


def duration(seconds: float) -> str:
    """Seconds in words a person uses."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 600:
        return f"{seconds / 60:.1f}".removesuffix(".0") + " min"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _within(
    criterion: str, spent: float, limit: float | None, shown: Callable[[float], str], exactly: str, why_not: str, unit: str = ""
) -> Verdict:
    """`why_not` is why `spent` was not measured, where it is NaN; a limit so near that both are `shown` alike is told `exactly`, and so is what was spent."""
    if limit is not None and math.isfinite(spent) and spent != limit and shown(spent) == shown(limit):
        shown = exactly.format
    measured, note = (NOT_MEASURED, why_not) if math.isnan(spent) else (shown(spent), unit)
    if limit is None:
        return Verdict(criterion, "NO LIMIT", measured, "no limit given", note)
    status = "NOT MEASURED" if math.isnan(spent) else "PASS" if spent <= limit else "FAIL"
    return Verdict(criterion, status, measured, f"<= {shown(limit)}", note)


def _mean(results: Results, summary: Summary, name: str, threshold: float, strictly: bool = False) -> tuple[str, bool | None]:
    """A metric's mean in words, and whether it holds; None where it was not measured."""
    metric = next((metric for metric in results.metrics if metric.name == name), None)
    if metric is None or summary.spreads[name].num_measured == 0:
        return NOT_MEASURED, None
    mean, cell = summary.spreads[name].mean, spread(summary.spreads[name], metric, summary.num_clips)
    text = f"{cell.text} {metric.unit}".rstrip() + (f" ({cell.share} clips)" if cell.share else "")
    return text, mean > threshold if strictly else mean >= threshold


def _status(summary: Summary, held: bool | None) -> Status:
    """A mean without the clips that failed would flatter, so it cannot pass."""
    if held is None or (held and summary.num_failed):
        return "NOT MEASURED"
    return "PASS" if held else "FAIL"
