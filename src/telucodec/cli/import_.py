"""telucodec import: speech that others collected, as 16 kHz FLAC files and a manifest."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from telucodec.cli.progress import progress_bar
from telucodec.counting import counted
from telucodec.data.importing import Imported, import_source
from telucodec.data.manifest import OWN
from telucodec.data.sources import SOURCES
from telucodec.data.sources.source import SourceConfig
from telucodec.data.stats import UNKNOWN, stats
from telucodec.files import printable

Kind = StrEnum("Kind", {name: name for name in SOURCES})

NAMES = {"common-voice": "commonvoice"}
"""What rows of these sources are said to be from, unless told otherwise; those of all others are OWN."""
LINES_SHOWN = 5
"""Rejected rows told on the way; rejected.csv lists them all."""


def import_(
    kind: Annotated[Kind, typer.Argument(help="What SOURCE is.")],
    source: Annotated[Path, typer.Argument(help="Release (.tar.gz or unpacked), file of JSON lines, CSV table, or folder.")],
    out: Annotated[Path, typer.Option(help="Folder to write to; run again to go on from there.")],
    parts: Annotated[str | None, typer.Option(help="Common Voice: parts to take, such as validated,other; validated if not given.")] = None,
    language: Annotated[str, typer.Option(help="Language, such as te. Common Voice: take it alone; others: where a row names none.")] = "",
    speaker: Annotated[str, typer.Option(help="Speaker of rows that name none.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the speech, such as CC0-1.0; Common Voice has its own.")] = "",
    name: Annotated[str, typer.Option(help="What the column `source` says; commonvoice or own if not given.")] = "",
) -> None:
    """Bring speech with its text into OUT: audio/*.flac, manifest.csv, manifest.jsonl, details.csv, rejected.csv.

    common-voice: a release, any language. json-lines: {"key": path, "text": ...}. csv: path,text[,speaker,language]. folder: sound
    with a .txt beside it where there is one; subfolders are speakers. Rows that cannot be used are listed, the rest is done.

    Example: telucodec import common-voice cv-corpus-te.tar.gz --out data/raw/commonvoice
    """
    if parts is not None and kind.value != "common-voice":
        raise typer.BadParameter(f"--parts is for common-voice; {kind.value} has none")
    chosen = SourceConfig.parts if parts is None else tuple(part.strip() for part in parts.split(",") if part.strip())
    config = SourceConfig(chosen, language, speaker, licence)
    with progress_bar(f"import {source.name}") as progress:
        imported = import_source(SOURCES[kind.value](source, config), out, name or NAMES.get(kind.value, OWN), progress)
    say_imported(imported)


def say_imported(imported: Imported) -> None:
    """Tell what an import made, its first rejected rows on standard error."""
    for which, why in imported.rejected[:LINES_SHOWN]:
        typer.echo(f"left out: {which}: {why}", err=True)
    made = stats(imported.rows)
    typer.echo(
        f"{printable(imported.manifest)}: {counted(made.total.rows, 'row')}, {made.total.duration_s / 60:.1f} minutes, speakers known: {len(made.groups['speaker'].keys() - {UNKNOWN})}"
        + (f"; {imported.num_reused} from before" if imported.num_reused else "")
        + (f"; {len(imported.rejected)} left out, see rejected.csv" if imported.rejected else "")
    )
