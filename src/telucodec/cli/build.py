"""telucodec build: a folder of media into a codec, with its measurements and a report."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from telucodec.apps.build import build as run
from telucodec.apps.table import summary_table
from telucodec.cli.finite import finite
from telucodec.cli.needing import needing
from telucodec.cli.progress import progress_bar
from telucodec.cli.terms import CostLimit, MinutesLimit, Price, terms_of
from telucodec.cli.typed import typed
from telucodec.errors import DataError
from telucodec.evaluation.results import read_results
from telucodec.files import printable


def build(
    media: Annotated[Path, typer.Argument(help="Folder of audio and video files; subfolders are speakers, `test` is never trained on.")],
    out: Annotated[Path, typer.Option(help="Folder to write to; run again to go on from there.")] = Path("build"),
    minutes: Annotated[float, typer.Option(min=0.1, callback=finite, help="Minutes to train for.")] = 10.0,
    price: Price = None,
    minutes_limit: MinutesLimit = None,
    cost_limit: CostLimit = None,
) -> None:
    """Build a codec from the recordings in MEDIA: extract, filter, split, train, measure against Opus, report.

    Each step is kept, and skipped where nothing changed. What a build wrote below MEDIA is passed over. Files that cannot be read are named and left out; exit code 2 then.

    Example: telucodec build recordings --out mine --minutes 10
    """
    with needing("train"):
        built = run(media, out, minutes, progress_bar, typer.echo, typed(), terms_of(price, minutes_limit, cost_limit))
    Console().print(summary_table(read_results(built.results)))
    typer.echo(f"{printable(built.report)}: open it in any browser to listen and decide; the codec is in {printable(out / 'model')}")
    if built.unreadable:
        raise DataError(f"{len(built.unreadable)} of the media files could not be read and were left out, see above; the rest is done")
