"""telucodec listening-test: let people compare what they hear, and count what they said."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from telucodec.apps.listening_page import key_path, make_listening_test, most_systems, nearest_in_rate
from telucodec.apps.listening_table import (
    NAME_WIDTH,
    abx_numbers,
    abx_plot_svg,
    abx_tables,
    hole_lines,
    mushra_numbers,
    mushra_plot_svg,
    mushra_tables,
    screening_lines,
)
from telucodec.cli.ending import ending_in
from telucodec.cli.progress import progress_bar
from telucodec.cli.typed import typed
from telucodec.counting import counted
from telucodec.evaluation.bootstrap import FEWEST
from telucodec.evaluation.listening.abx import abx_scores
from telucodec.evaluation.listening.key import read_key
from telucodec.evaluation.listening.material import REFERENCE, open_material
from telucodec.evaluation.listening.scores import WANTED_LISTENERS, mushra_scores
from telucodec.evaluation.listening.session import read_sessions
from telucodec.evaluation.results import read_results
from telucodec.files import write_whole

Kind = StrEnum("Kind", {"mushra": "mushra", "abx": "abx"})


def make(
    source: Annotated[
        Path, typer.Argument(metavar="RESULTS_OR_CLIPS", help="results.json, or a folder: reference/ and a subfolder for each system.")
    ],
    out: Annotated[Path, typer.Option(help="The page to write; its key goes beside it.", callback=ending_in(".html", ".htm"))] = Path(
        "listening.html"
    ),
    method: Annotated[
        Kind, typer.Option(help="mushra: score all systems side by side; abx: can a difference be heard at all.")
    ] = Kind.mushra,
    systems: Annotated[
        str,
        typer.Option(
            help="Comma-separated names of systems. All if not given; if there are more than fit on a screen, those nearest in rate to yours."
        ),
    ] = "",
    kbps: Annotated[float | None, typer.Option(help="Only systems measured within 10 % of this rate.", min=0.01)] = None,
    mid_anchor: Annotated[bool, typer.Option("--mid-anchor", help="MUSHRA: also an anchor at 7 kHz, to screen listeners by.")] = False,
    against: Annotated[str, typer.Option(help="ABX: what systems are compared with, the original or one of them.")] = REFERENCE,
    repeats: Annotated[int, typer.Option(help="ABX: trials of each system on each clip.", min=1, max=50)] = 4,
    seed: Annotated[int, typer.Option(help="Seed of the random order.", min=0)] = 0,
) -> None:
    """Make a page on which people compare systems by ear, opened as a file, without a server. Keep the key, pass the page on.

    Example: telucodec listening-test make results.json --kbps 6.3 --out page.html
    """
    named, most = [name.strip() for name in systems.split(",") if name.strip()], most_systems(mid_anchor)
    material = open_material(source, named, kbps)
    found = len(material.systems)
    too_many = method == Kind.mushra and found > most and not named and source.is_file()
    if too_many and (nearest := nearest_in_rate(read_results(source), material.systems, most)):
        material = open_material(source, nearest, kbps)
        typer.echo(f"{found} systems are too many for one screen, taken are {', '.join(nearest)}; --systems chooses others", err=True)
    for line in material.left_out:
        typer.echo(f"left out: {line}", err=True)
    command = typed()
    with progress_bar("Listening test") as progress:
        key = make_listening_test(material, out, command, method.value, seed, mid_anchor, against, repeats, progress)
    rates = [system.kbps for system in material.systems if system.kbps is not None]
    measured = f" at {min(rates):.2f} to {max(rates):.2f} kbps" if rates else ", rates not measured"
    gain = max(abs(gain) for item in key.items for gain in item.gains_db)
    typer.echo(f"{key_path(out)}: tells which sound was which; keep it, listeners must not have it")
    typer.echo(
        f"{out}: {method.value} test {key.test}, {counted(len(key.items), 'clip')}, {counted(len(material.systems), 'system')}{measured}, "
        f"levels changed by up to {gain:.1f} dB, {out.stat().st_size / 1e6:.1f} MB; open it in any browser"
    )


def analyse(
    files: Annotated[list[Path], typer.Argument(metavar="FILES", help="What listeners saved, one file each.")],
    key: Annotated[Path, typer.Option(help="The .key.json that was written beside the page.")] = Path("listening.key.json"),
    plot: Annotated[Path, typer.Option(help="Where to write the picture.", callback=ending_in(".svg"))] = Path("listening.svg"),
    as_json: Annotated[bool, typer.Option("--json", help="Print every number as JSON.")] = False,
) -> None:
    """Count what listeners said: scores with intervals and tests after screening (BS.1534-3), or ABX with exact p-values.

    Where screening leaves nobody, no picture is made and the exit code is 1.

    Example: telucodec listening-test analyse answers/*.json --key page.key.json --plot scores.svg
    """
    told = read_key(key)
    sessions = read_sessions(files, told)
    if told.method == "mushra":
        scores = mushra_scores(told, sessions)
        num_counted = len(scores.listeners)
        tables, numbers, notes = mushra_tables(scores), mushra_numbers(scores), [*screening_lines(scores), *hole_lines(scores)]
        picture = mushra_plot_svg(scores) if num_counted else ""
        if num_counted < WANTED_LISTENERS:
            notes = [
                *notes,
                f"BS.1534-3 expects some {WANTED_LISTENERS} listeners; fewer than {FEWEST} have no interval, and a few a rough one",
            ]
    else:
        scores = abx_scores(told, sessions)
        tables, numbers, picture, notes = abx_tables(scores), abx_numbers(scores), abx_plot_svg(scores), hole_lines(scores)
        num_counted = len(sessions)
    if num_counted:
        write_whole(plot, picture.encode())
    if as_json:
        typer.echo(json.dumps({"test": told.test, **numbers}, indent=1, ensure_ascii=False))
        raise typer.Exit(0 if num_counted else 1)
    if not num_counted:
        for line in notes:
            typer.echo(line)
        typer.echo(
            f"{told.method} test {told.test}: no listener of {len(sessions)} is counted, so there are no scores and no picture", err=True
        )
        raise typer.Exit(1)
    for table in tables:
        _print_whole(table)
    for line in notes:
        typer.echo(line)
    if len(told.items) > 1:
        typer.echo("clips: " + ", ".join(f"{number} {item.clip}" for number, item in enumerate(told.items, 1)))
    typer.echo(
        f"{plot}: {told.method} test {told.test}, {num_counted} of {counted(len(sessions), 'listener')} counted, {counted(len(told.items), 'clip')}"
    )


def _print_whole(table: Table) -> None:
    """Print `table` wider than a terminal of few columns, rather than cut numbers off: one that is cut off is another one."""
    numbers = table.columns[1:]
    for column in numbers:
        column.width = max(map(cell_len, [*str(column.header).split(), *map(str, column.cells)]))
    least = NAME_WIDTH + sum(column.width + 2 for column in numbers) + 3  # a space behind each, one between them, one at both ends
    Console(width=max(Console().width, least)).print(table)


listening_test = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Compare systems by ear, and count what listeners said.\n\nExample: telucodec listening-test make results.json --out page.html",
)
listening_test.command()(make)
listening_test.command()(analyse)
