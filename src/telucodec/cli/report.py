"""`telucodec report`: one page to decide from."""

from pathlib import Path
from typing import Annotated

import typer

from telucodec.apps.manager_page import languages
from telucodec.apps.report import Further
from telucodec.apps.report import report as write_report
from telucodec.cli.ending import ending_in
from telucodec.cli.terms import CostLimit, MinutesLimit, Price, terms_of
from telucodec.files import printable


def report(
    results: Annotated[Path, typer.Argument(help="results.json, as telucodec evaluate wrote it.")] = Path("results.json"),
    out: Annotated[
        Path, typer.Option(help="The page to write; the same as JSON goes beside it.", callback=ending_in(".html", ".htm"))
    ] = Path("report.html"),
    build: Annotated[Path | None, typer.Option(help="build.json of the model, for its data, time and cost.")] = None,
    run: Annotated[Path | None, typer.Option(help="Folder of the run of `telucodec train`, for its curves.")] = None,
    plan: Annotated[Path | None, typer.Option(help="What `telucodec plan --json` printed, for the ways on.")] = None,
    manifests: Annotated[Path | None, typer.Option(help="Folder of train.csv, val.csv and test.csv, for hours and licences.")] = None,
    test_set: Annotated[
        Path | None,
        typer.Option(
            help="The test set of these results, to estimate the highest SNR it allows; the clips kept as sound are used if not given."
        ),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Folder of the model evaluated, to count what it sends; the shipped one if not given.")
    ] = None,
    price: Price = None,
    minutes_limit: MinutesLimit = None,
    cost_limit: CostLimit = None,
    language: Annotated[str, typer.Option(help=f"Language of the first page: {' or '.join(languages())}.")] = "en",
) -> None:
    """Make one HTML page of results: the decision, before and after to listen to, plots, tables. It works offline, prints, and can be mailed.

    Time and cost are judged by the limits given here, or else by those that the build was given.

    Example: telucodec report results.json --build build.json --price 0.5 --cost-limit 5 --language te
    """
    if language not in languages():
        raise typer.BadParameter(f"there are no words in {language!r}; choose from {', '.join(languages())}")
    terms = terms_of(price, minutes_limit, cost_limit)
    found = write_report(results, out, Further(build, run, plan, manifests, test_set, model), language, terms)
    typer.echo(
        f"{printable(out)}: {out.stat().st_size / 1e6:.1f} MB, complete in one file; open it in any browser; its numbers are in {printable(found)}"
    )
