"""From a test set to results.json: everything compared, measured and written down with how it was made."""

from collections.abc import Sequence
from pathlib import Path

from telucodec.evaluation.clips import open_clips
from telucodec.evaluation.compare import Progress, compare
from telucodec.evaluation.contender import Contender
from telucodec.evaluation.made import made
from telucodec.evaluation.results import ContenderRow, MetricRow, Results, TestSetRow, write_results
from telucodec.metrics import SHELF
from telucodec.metrics.metric import Metric


def evaluate(
    data: Path,
    contenders: Sequence[Contender],
    out: Path,
    command: str,
    metrics: Sequence[Metric] = SHELF,
    num_samples: int = 3,
    jobs: int = 1,
    progress: Progress = lambda done, total, name: None,
) -> Results:
    """Compare `contenders` on `data`, a manifest or a folder; write `out` and, in the folder samples beside it, some sound.

    `command` is what the user typed. Raises DataError where `data` holds nothing, TelucodecError where `out` cannot be written.
    """
    test_set = open_clips(data)
    trials, samples = compare(test_set.clips, contenders, metrics, Path(out).parent / "samples", num_samples, jobs, progress)
    results = Results(
        made=made(command),
        test_set=TestSetRow(name=test_set.name, sha256=test_set.sha256, num_clips=len(test_set.clips)),
        contenders=tuple(
            ContenderRow(name=c.name, label=c.label, family=c.family, model=c.model, note=c.note, missing=c.missing) for c in contenders
        ),
        metrics=tuple(MetricRow(name=m.name, label=m.label, unit=m.unit, digits=m.digits, better=m.better, about=m.about) for m in metrics),
        trials=tuple(trials),
        samples=tuple(samples),
    )
    write_results(out, results)
    return results
