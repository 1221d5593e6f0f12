"""`telucodec evaluate`: measure a model and Opus on the same speech."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from telucodec.apps.table import summary_numbers, summary_table
from telucodec.cli.progress import progress_bar
from telucodec.evaluation.baselines.opus import opus as opus_contender
from telucodec.evaluation.evaluate import evaluate as run
from telucodec.evaluation.ours import modes, ours


def evaluate(
    data: Annotated[Path, typer.Argument(help="Manifest (.csv) of test segments, or a folder of sound files.")],
    model: Annotated[Path | None, typer.Option(help="Model folder; the shipped model where none is given.")] = None,
    out: Annotated[Path, typer.Option(help="Where to write the results; sounds go to the folder samples beside it.")] = Path(
        "results.json"
    ),
    rates: Annotated[str, typer.Option(help="Rates in kbps to ask of the model, each in all its modes.")] = "3.2,6.3",
    opus: Annotated[str, typer.Option(help="Rates in kbps of Opus in voice mode; empty for none.")] = "6,8,12,16,24",
    opus_audio: Annotated[
        str, typer.Option(help="Rates in kbps of Opus in audio mode, the fairer rival in SNR; empty for none.")
    ] = "8,12,24",
    samples: Annotated[int, typer.Option(help="Clips to keep as sound, for the report.", min=0)] = 3,
    jobs: Annotated[int, typer.Option(help="Processes to share the work.", min=1)] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Measure a model and Opus on the same test speech: rate, SNR, PESQ, STOI, ViSQOL and more.

    What cannot be measured is left out with its reason. `telucodec report` makes a page of the results.

    Example: telucodec evaluate data/test.csv --model models/mine --out results.json
    """
    contenders = [ours(model, kbps, mode) for kbps in _rates(rates) for mode in modes(model)]
    contenders += [opus_contender(kbps) for kbps in _rates(opus)] + [opus_contender(kbps, "audio") for kbps in _rates(opus_audio)]
    command = shlex.join(["telucodec", *sys.argv[1:]])
    with progress_bar("Evaluating") as progress:
        results = run(data, contenders, out, command, num_samples=samples, jobs=jobs, progress=progress)
    if as_json:
        typer.echo(json.dumps(summary_numbers(results), indent=1))
    else:
        Console().print(summary_table(results))
        made_of = f"{len(contenders)} codecs on {results.test_set.num_clips} clips"
        typer.echo(f"{out}: {made_of}; telucodec report {shlex.quote(str(out))} makes a page of it")


def _rates(text: str) -> list[float]:
    """Comma-separated kbps; each once."""
    try:
        rates = [float(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a list of rates in kbps such as 3.2,6.3") from error
    if not all(0 < rate < 1000 for rate in rates):
        raise typer.BadParameter(f"{text!r} holds a rate that is not between 0 and 1000 kbps")
    return list(dict.fromkeys(rates))
