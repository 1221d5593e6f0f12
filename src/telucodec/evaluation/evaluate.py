"""From a test set to results.json: everything compared, measured and written down with how it was made."""

from collections.abc import Sequence
from pathlib import Path

from telucodec.evaluation.clips import Clips, open_clips
from telucodec.evaluation.compare import compare
from telucodec.evaluation.contender import Contender
from telucodec.evaluation.judge import Judge
from telucodec.evaluation.made import made
from telucodec.evaluation.memory import peaks
from telucodec.evaluation.results import ContenderRow, Made, MetricRow, Results, TestSetRow, write_results
from telucodec.evaluation.summary import summary_rows
from telucodec.evaluation.unfinished import Unfinished
from telucodec.files import for_a_file
from telucodec.metrics import SHELF
from telucodec.metrics.metric import Metric
from telucodec.progress import Progress, untold


def evaluate(
    data: Path,
    contenders: Sequence[Contender],
    out: Path,
    command: str,
    metrics: Sequence[Metric] = SHELF,
    num_samples: int = 3,
    jobs: int = 1,
    progress: Progress = untold,
    judge: Judge | None = None,
    called: str = "",
) -> Results:
    """Compare `contenders` on `data`, a manifest or a folder; write `out` and, in a folder of its own in samples beside it, some sound.

    `command` is what the user typed, `called` what people call `data`, by its own name if empty. What an interrupted run of the same left beside `out` is not done again. Raises DataError where `data` holds nothing, TelucodecError where `out` cannot be written.
    """
    out, test_set, how = for_a_file(out), open_clips(data), made(command)
    rows = [row_of(contender) for contender in contenders]
    told = [*metrics, *(judge.metrics() if judge else ())]
    names = [metric.name for metric in told]
    unfinished = Unfinished(out, _settings(test_set, rows, names, num_samples, how, judge))
    trials, samples = compare(test_set.clips, contenders, metrics, unfinished.sounds, num_samples, jobs, unfinished, progress, judge)
    longest = max(range(len(trials)), key=lambda place: trials[place].duration_s) // len(contenders) if trials else 0
    progress(len(test_set.clips), len(test_set.clips), "memory")
    memory = peaks(contenders, test_set.clips[longest], jobs)
    rows = [
        row.model_copy(update={"peak_mib": found.peak_mib, "idle_mib": found.idle_mib, "memory_hole": found.reason})
        for row, found in zip(rows, memory, strict=True)
    ]
    results = Results(
        made=how,
        test_set=TestSetRow(name=called or test_set.name, sha256=test_set.sha256, num_clips=len(test_set.clips)),
        contenders=tuple(rows),
        metrics=tuple(MetricRow(name=m.name, label=m.label, unit=m.unit, digits=m.digits, better=m.better, about=m.about) for m in told),
        trials=tuple(trials),
        samples=tuple(samples),
        summaries=summary_rows(trials, [row.name for row in rows], names),
    )
    write_results(out, results)
    unfinished.remove()
    return results


def row_of(contender: Contender) -> ContenderRow:
    """`contender` as results hold it, before anything was measured."""
    library = "" if contender.missing else contender.library()
    shared = {name: getattr(contender, name) for name in ("name", "label", "family", "model", "note", "missing")}
    return ContenderRow(**shared, library=library)


def _settings(
    test_set: Clips, rows: Sequence[ContenderRow], metrics: Sequence[str], num_samples: int, how: Made, judge: Judge | None
) -> dict:
    """All that a finished clip's numbers depend on, as JSON."""
    return {
        "test_set": test_set.sha256,
        "contenders": [row.model_dump() for row in rows],
        "metrics": metrics,
        "num_samples": num_samples,
        "judge": judge.digest if judge else "",
        "machine": how.machine,
        "versions": how.versions,
    }
