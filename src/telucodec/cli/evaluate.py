"""`telucodec evaluate`: measure a model and its peers on the same speech."""

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from telucodec.apps.table import none_came_back, remarks, summary_numbers, summary_table
from telucodec.cli.ending import ending_in, spare
from telucodec.cli.progress import progress_bar
from telucodec.cli.typed import typed
from telucodec.counting import counted
from telucodec.evaluation.baselines import PEERS
from telucodec.evaluation.baselines.choose import choose
from telucodec.evaluation.evaluate import evaluate as run
from telucodec.evaluation.judge import Judge, untouched
from telucodec.evaluation.under_test import under_test
from telucodec.metrics import METRICS, SHELF
from telucodec.metrics.metric import Metric
from telucodec.recognizer.bundle import load_bundle


def evaluate(
    data: Annotated[
        Path,
        typer.Argument(
            help="Manifest (.csv, .jsonl) of test segments, a folder of sound files, or one; what evaluations kept there is left out."
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Model folder; the shipped model where none is given. May be repeated, with shipped for that one. A run that began as EnCodec "
            "is run by PyTorch, and so is encodec:PATH, a folder with EnCodec's weights as they came."
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            help="Where to write the results; sounds go to a folder of its own in samples beside it.", callback=ending_in(".json")
        ),
    ] = Path("results.json"),
    rates: Annotated[str, typer.Option(help="Rates in kbps to ask of each model, in all its modes.")] = "3.2,6.3",
    baselines: Annotated[
        str,
        typer.Option(
            help=f"Codecs to compare with, of {', '.join(PEERS)}: a name alone takes its rates next below and above "
            "--rates; NAME@KBPS takes that rate; empty for none. One that is not installed is a row that says how to get it; lyra needs its folder in TELUCODEC_LYRA."
        ),
    ] = "opus,opus@12,opus@16,opus@24,opus-audio,opus-audio@12,opus-audio@24",
    samples: Annotated[int, typer.Option(help="Clips to keep as sound, for the report.", min=0)] = 3,
    jobs: Annotated[
        int,
        typer.Option(help="Processes to share the work; more finish sooner but disturb the measured CPU seconds.", min=1),
    ] = 1,
    metrics: Annotated[
        str, typer.Option(help=f"What to measure, of {', '.join(METRICS)}; all if not given. ViSQOL takes most of the time.")
    ] = "",
    wer: Annotated[
        Path | None,
        typer.Option(help="Bundle of a recogniser: also count the words it takes for others, of the original too; clips need texts."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Measure a model and other codecs on the same test speech: rate, SNR, PESQ, STOI, ViSQOL and more.

    What cannot be measured is left out with its reason; where no clip came back from any codec, the exit code is 1. After Ctrl-C the same command goes on where it was. `telucodec report` makes a page of the results.

    Example: telucodec evaluate data/test.csv --model models/mine --baselines opus,amr-wb,codec2@3.2 --out results.json
    """
    spare([data], out)
    chosen = _metrics(metrics)
    peers = choose([word.strip() for word in baselines.split(",") if word.strip()], _rates(rates))
    contenders = under_test(model or [], _rates(rates)) + peers
    if not contenders:
        raise typer.BadParameter("there is nothing to measure: give --rates, --baselines or both")
    judge = None
    if wer is not None:
        load_bundle(wer)  # one that cannot be used is told before anything is run
        judge, contenders = Judge(wer), [*contenders, untouched()]
    with progress_bar("Evaluating") as progress:
        results = run(data, contenders, out, typed(), chosen, num_samples=samples, jobs=jobs, progress=progress, judge=judge)
    if as_json:
        typer.echo(json.dumps(summary_numbers(results), indent=1))
    else:
        Console().print(summary_table(results))
        for line in remarks(results):
            typer.echo(line)
        num_run = sum(not contender.missing for contender in contenders)
        made_of = f"{counted(num_run, 'codec')} on {counted(results.test_set.num_clips, 'clip')}"
        typer.echo(f"{out}: {made_of}; telucodec report {shlex.quote(str(out))} makes a page of it")
    if none_came_back(results):
        typer.echo("no clip came back from any codec, so nothing was measured", err=True)
        raise typer.Exit(1)


def _metrics(text: str) -> list[Metric]:
    """Metrics by their comma-separated names, in the shelf's order; all for none."""
    names = [word.strip() for word in text.split(",") if word.strip()]
    if unknown := [name for name in names if name not in METRICS]:
        raise typer.BadParameter(f"{unknown[0]!r} is not a metric; choose among {', '.join(METRICS)}")
    return [metric for metric in SHELF if not names or metric.name in names]


def _rates(text: str) -> list[float]:
    """Comma-separated kbps; each once, as names tell them apart."""
    try:
        rates = [float(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a list of rates in kbps such as 3.2,6.3") from error
    if not all(0 < rate < 1000 for rate in rates):
        raise typer.BadParameter(f"{text!r} holds a rate that is not between 0 and 1000 kbps")
    return list({f"{rate:g}": rate for rate in rates}.values())
