"""`telucodec report`: one page to decide from."""

from pathlib import Path
from typing import Annotated

import typer

from telucodec.apps.report import report as write_report


def report(
    results: Annotated[Path, typer.Argument(help="results.json, as telucodec evaluate wrote it.")] = Path("results.json"),
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("report.html"),
    build: Annotated[Path | None, typer.Option(help="build.json of the model, for its data, time and cost.")] = None,
) -> None:
    """Make one HTML page of results: verdicts, before and after to listen to, tables. It works offline and can be mailed.

    Example: telucodec report results.json --out report.html
    """
    write_report(results, out, build)
    typer.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB, complete in one file; open it in any browser")
