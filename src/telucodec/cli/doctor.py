"""`telucodec doctor`: what is wrong with recordings, in words."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from telucodec.apps.doctor_page import write_page
from telucodec.cli.ending import ending_in
from telucodec.cli.finite import finite
from telucodec.cli.progress import progress_bar
from telucodec.data.doctor import Checkup, DoctorConfig, examine
from telucodec.files import printable, without_nan


def doctor(
    paths: Annotated[list[Path], typer.Argument(help="Audio and video files, folders of such, or manifests (.csv, .jsonl).")],
    segment_s: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            callback=finite,
            help="Length in seconds of the segments they will be cut into; 1 for files if not given. Training packs rows as they are.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every measure and finding as JSON.")] = False,
    html: Annotated[
        Path | None,
        typer.Option(help="Page to write: findings, with the worst files to see and hear.", callback=ending_in(".html", ".htm")),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes to share the work; one per core if not given.")] = None,
) -> None:
    """Say what is wrong with recordings: too short, too quiet, clipped, noisy, upsampled, duplicate ... and what to do about it.

    Of a manifest each row is looked at, the stretch of its file that it stands for.

    Exit code 0: all healthy; 1: something was found; 2: it could not be done.

    Example: telucodec doctor recordings --html doctor.html
    """
    with progress_bar("Examining") as progress:
        config = DoctorConfig() if segment_s is None else DoctorConfig(segment_s=segment_s)
        checkup = examine(paths, config, jobs or os.cpu_count() or 1, progress)
    if html:
        write_page(checkup, html)
    if as_json:
        typer.echo(json.dumps(without_nan(_as_json(checkup)), indent=1))
    else:
        if checkup.worst_first:
            Console().print(_table(checkup))
        typer.echo(checkup.summary())
        if html:
            typer.echo(f"{printable(html)}: open it in any browser to see and hear the worst")
    if checkup.worst_first:
        raise typer.Exit(1)


def _table(checkup: Checkup) -> Table:
    """A line for each sound with findings, the worst first."""
    # names and measures are what one looks for: broken into lines, never cut off
    columns = [Column(name, overflow="fold") for name in ("file", "found", "remedy")]
    table = Table(*columns, title="What was found, the worst first", title_justify="left")
    for diagnosis in checkup.worst_first:
        for place, finding in enumerate(diagnosis.findings):
            found = ", ".join(filter(None, (f"{finding.case}: {finding.measured}", finding.threshold)))
            # Names of files are text, never markup.
            table.add_row(Text("" if place else diagnosis.sound.name), Text(found), Text(finding.remedy))
    return table


def _as_json(checkup: Checkup) -> dict:
    """Everything that was measured; NaN where there is no value."""
    return {
        "thresholds": checkup.config.model_dump(),
        "files": [
            {
                "path": printable(diagnosis.sound.path),
                "row": asdict(diagnosis.sound.row) if diagnosis.sound.row else None,
                "findings": [asdict(finding) for finding in diagnosis.findings],
                "measures": asdict(diagnosis.measures) if diagnosis.measures else {},
            }
            for diagnosis in checkup.diagnoses
        ],
        "hours": checkup.hours,
        "padding_share": checkup.padding_share,
        "cases": checkup.cases,
        "case_hours": checkup.case_hours,
        "summary": checkup.summary(),
    }
