"""One HTML page from results.json: the decision, before and after to listen to, plots, tables, the data, the training, and how all was made.

The page stands alone: sound and pictures lie inside, nothing is fetched. It prints what was measured and says
"not measured", with the reason, for the rest. Each number tells, to a pointer above it, the file it came from. Beside
the page lies the same as JSON.
"""

import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from telucodec.apps.build_record import NO_TERMS, BuildRecord, Terms, read_build_record
from telucodec.apps.comparisons import comparison
from telucodec.apps.data_summary import read_parts
from telucodec.apps.manager_page import manager_page
from telucodec.apps.page import rendered
from telucodec.apps.plan_record import PlanRecord, read_plan_record
from telucodec.apps.plots import columns_svg, curves_svg
from telucodec.apps.result_plots import Bound, bound, rate_plot, snr_plot
from telucodec.apps.sources import Source, moment, source_of
from telucodec.apps.symbols import symbols
from telucodec.apps.table import NOT_MEASURED, Cell, headings, holes, number, ranges, rows, summary_numbers
from telucodec.apps.training_log import TrainingLog, codebooks, curves, number_of, read_training_log
from telucodec.apps.verdicts import duration, headline, verdicts
from telucodec.audio.media import read_media
from telucodec.errors import DataError, TelucodecError
from telucodec.evaluation.results import Results, beside, read_results
from telucodec.evaluation.summary import PCM_KBPS
from telucodec.files import write_whole
from telucodec.runtime.codec import load_codec

MAX_GROUPS = 12
"""More groups than that are not broken down; a table of every speaker helps nobody."""


@dataclass(frozen=True)
class Further:
    """What a report shows beside results; of what is None it says that nothing is known."""

    build: Path | None = None
    """build.json of the model."""
    run: Path | None = None
    """Folder of the training run."""
    plan: Path | None = None
    """What `telucodec plan --json` printed."""
    manifests: Path | None = None
    """Folder of train.csv, val.csv and test.csv."""
    test_set: Path | None = None
    """What was measured on, for the estimate of what SNR it allows; without it, the clips kept as sound are taken."""
    model: Path | None = None
    """Folder of the model that was measured, to count what it sends; None for the shipped one."""


def report(results_path: Path, out_html: Path, further: Further = Further(), language: str = "en", terms: Terms = NO_TERMS) -> Path:
    """Write the report on `results_path`, whose sound files lie beside it, and `further`; return the JSON beside it.

    The first page is in `language`. What `terms` tell counts instead of what the build was told. Raises DataError for files that
    are not what they should be, and where the JSON would be written over that of somebody else, before anything is written.
    """
    results_path, out_html = Path(results_path), Path(out_html)
    out_json = out_html.with_suffix(".json")
    read = [results_path, *(path for path in asdict(further).values() if path is not None)]
    if {*map(os.path.realpath, read)} & {*map(os.path.realpath, (out_json, out_html))}:
        raise DataError(f"{out_json}: would be written over by the report; give the report another name")
    if out_json.exists() and not _is_of_a_report(out_json):
        raise DataError(f"{out_json}: is there and holds something else than a report, which would be lost; give the report another name")
    results, build = read_results(results_path), read_build_record(further.build)
    build = build.model_copy(update={"terms": build.terms.changed_by(terms)})
    training, plan, parts = read_training_log(further.run), read_plan_record(further.plan), read_parts(further.manifests)
    sources = _sources(results_path, results, further, build, plan, training) | {f"{part.name}.csv": part.source for part in parts}
    chosen = headline(results, build)
    judged = verdicts(results, chosen, build)
    estimate = bound(results, results_path, further.test_set)
    counted, why_not_counted = _symbols(results, results_path, further.model)
    page = manager_page(results, chosen, judged, build, plan, language)
    groups = sorted({trial.group for trial in results.trials})
    html = rendered(
        "report.html",
        results=results,
        build=build,
        build_steps=[(step, duration(seconds)) for step, seconds in build.seconds.items()],
        chosen=chosen,
        page=page,
        in_english=page if language == "en" else manager_page(results, chosen, judged, build, plan, "en"),
        verdicts=judged,
        all_verdicts=[(row.label, verdicts(results, row, build)) for row in results.contenders if row.model],
        comparisons=[comparison(results, sample, results_path) for sample in results.samples],
        headings=headings(results),
        rows=rows(results),
        ranges=ranges(results),
        grouped=[(group or "no group", rows(results, group)) for group in groups] if 1 < len(groups) <= MAX_GROUPS else [],
        holes=holes(results),
        families={row.family for row in results.contenders},
        # matplotlib escapes the texts it draws
        rate_plot=Markup(rate_plot(results, estimate)),
        estimate=estimate,
        snr_plot=Markup(snr_plot(results)),
        symbols=counted,
        symbols_plot=Markup(columns_svg(counted.charts)) if counted else "",
        why_not_counted=why_not_counted,
        parts=parts,
        training=training,
        training_facts=_training_facts(training) if training else {},
        curves=_drawn(curves_svg, curves(training)) if training else "",
        codebooks=_drawn(columns_svg, codebooks(training)) if training else "",
        plan=plan,
        duration=duration,
        moment=moment,
        sources=sources,
        pcm_kbps=PCM_KBPS,
    )
    numbers = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "headline": chosen.name if chosen else None,
        "decision": page.decision,
        "verdicts": [asdict(verdict) for verdict in judged],
        "limits": list(page.limits),
        "contenders": summary_numbers(results),
        "holes": holes(results),
        "bound": _bound_numbers(estimate),
        "training": _training_numbers(training),
        "data": {part.name: asdict(part.stats) for part in parts},
        "defects": build.defects,
        "plan": plan.model_dump(mode="json") if plan else None,
        "sources": {name: asdict(source) for name, source in sources.items()},
    }
    write_whole(out_html, html.encode("utf-8", "replace"))  # names of files may hold bytes that are no letters
    write_whole(out_json, json.dumps(numbers, ensure_ascii=False, indent=1, allow_nan=False).encode("utf-8", "replace") + b"\n")
    return out_json


def _is_of_a_report(path: Path) -> bool:
    try:
        return "verdicts" in json.loads(path.read_bytes())
    except (OSError, ValueError, TypeError):
        return False


def _drawn(draw: Callable, found: list) -> str:
    return Markup(draw(found)) if found else ""


def _sources(
    results_path: Path, results: Results, further: Further, build: BuildRecord, plan: PlanRecord | None, training: TrainingLog | None
) -> dict[str, Source]:
    """Every file that numbers come from, by what it holds."""
    found = {"results": source_of(results_path, results.made.command, results.made.date)}
    found |= {"build": source_of(further.build, build.command, build.date)} if further.build else {}
    found |= {"training": training.source} if training else {}
    found |= {"plan": source_of(further.plan, plan.command, plan.date)} if plan else {}
    return found


def _symbols(results: Results, results_path: Path, model: Path | None):
    """What the measured model sends of the clips kept as sound; None, and why, where that cannot be counted. Raises ModelError for what is no model."""
    digests = {row.model for row in results.contenders if row.model}
    codec = load_codec(model)
    try:
        if not digests & {codec.digest_of(mode) for mode in codec.modes}:
            return None, "the model that was measured was not given" if model is None else f"{model} is not the model that was measured"
        waves = [read_media(beside(results_path, sample.original), codec.sample_rate) for sample in results.samples]
        waves = [wave for wave in waves if wave.shape[-1]]
        return (symbols(codec, waves), "") if waves else (None, "no sound was kept to count it in")
    except TelucodecError as error:
        return None, str(error)


def _training_facts(log: TrainingLog) -> dict[str, Cell]:
    """The run in words and numbers, for a table."""
    last, update = (entries[-1] if entries else {} for entries in (log.validations, log.updates))
    signs = last.get("signs")
    facts = {name: Cell(told) for name, told in log.settings.items()}
    facts["Updates"] = number(number_of(last or update, "update"), 0, reason="the log holds none")
    facts["Sound heard"] = number(number_of(update, "heard_hours"), 2, "h", "the log does not tell")
    spent = number_of(last or update, "spent_s")
    facts["Time"] = Cell(duration(spent)) if math.isfinite(spent) else Cell(NOT_MEASURED, "the log does not tell", is_hole=True)
    for name, label, digits, unit in VALIDATED:
        facts[label] = number(number_of(last, name), digits, unit, "the last validation has no value")
    if isinstance(signs, list):
        facts["Signs of trouble at its end"] = Cell(", ".join(map(str, signs)) or "none")
    else:
        facts["Signs of trouble at its end"] = Cell(NOT_MEASURED, "no validation was logged", is_hole=True)
    if log.num_broken:
        facts["Lines of the log that are broken"] = Cell(str(log.num_broken), "left out; a killed run may end in half a line")
    return facts


VALIDATED = (
    ("snr_db", "SNR of the last validation", 1, "dB"),
    ("correlation", "Its correlation", 3, ""),
    ("amplitude_percent", "Its output amplitude", 0, "%"),
    ("kbps", "Its rate, all codes sent evenly", 2, "kbps"),
    ("kbps_entropy", "Its rate, by the entropy of codes", 2, "kbps"),
)


def _training_numbers(log: TrainingLog | None) -> dict | None:
    return None if log is None else {"run": log.name} | {name: cell.text for name, cell in _training_facts(log).items()}


def _bound_numbers(estimate: Bound) -> dict:
    points = [{"kbps": kbps, "coarse_db": low, "fine_db": high} for kbps, low, high in estimate.points]
    return {"optimistic": "fine", "heard": estimate.heard, "reason": estimate.reason, "points": points}
