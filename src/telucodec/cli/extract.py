"""telucodec extract: a folder of films and recordings as 16 kHz FLAC files and a manifest."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from telucodec.cli.progress import progress_bar
from telucodec.counting import counted
from telucodec.data.extract import Origin, media_files
from telucodec.data.extract import extract as run
from telucodec.data.extract_status import ExtractStatus, extract_status
from telucodec.data.manifest import MANIFEST, OWN, read_manifest
from telucodec.errors import DataError
from telucodec.files import printable

LINES_SHOWN = 20
"""Failed files told; failed.csv lists them all."""


def extract(
    media: Annotated[Path, typer.Argument(help="Folder of audio and video files; subfolders are speakers, `test` is never trained on.")],
    out: Annotated[Path, typer.Option(help="Folder to write to; run again to go on from there.")],
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes to share the work; one per core if not given.")] = None,
    cluster: Annotated[
        str,
        typer.Option(help="Dask scheduler to share the work, tcp://HOST:PORT; its workers must see MEDIA and OUT under the same paths."),
    ] = "",
    retry: Annotated[bool, typer.Option("--retry", help="Try again what failed before, too.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Only say how far it has come, also while it runs in another terminal.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print how far it has come as JSON.")] = False,
    source: Annotated[str, typer.Option(help="What the column `source` says.")] = OWN,
    language: Annotated[str, typer.Option(help="Language of the speech, such as te.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the speech, such as CC0-1.0.")] = "",
) -> None:
    """Extract the sound of all films and recordings in MEDIA into OUT: audio/*.flac, manifest.csv, manifest.jsonl, failed.csv.

    What is finished is never done again, however a run ended. A file that cannot be used is listed with its reason, and not tried
    again until it changes or --retry is given; exit code 2 then, and the rest is done.

    Example: telucodec extract my_videos --out data/raw/videos --language te
    """
    if jobs and cluster:
        raise typer.BadParameter("give either --jobs or --cluster")
    if status:
        if retry:
            raise typer.BadParameter("--status only looks; leave --retry out")
        _say_status(extract_status(media, out), out, as_json)
        return
    _refuse_another(media, out)
    with progress_bar("Extracting") as progress:
        made = run(media, out, progress, jobs or os.cpu_count() or 1, cluster, retry, Origin(source, language, licence))
    if as_json:
        _say_status(extract_status(media, out), out, as_json)
    else:
        _say_failed(made.failed)
        hours = sum(row.duration_s for row in made.rows) / 3600
        typer.echo(
            f"{printable(out / MANIFEST)}: {counted(len(made.rows), 'recording')}, {hours:.2f} hours"
            + (f", {made.num_reused} of them from before" if made.num_reused else "")
            + (f"; {counted(len(made.failed), 'file')} failed, see failed.csv" if made.failed else "")
        )
    if made.failed:
        again = f" ({made.num_not_tried} of them before, and not tried again without --retry)" if made.num_not_tried else ""
        raise DataError(f"{len(made.failed)} of the media files could not be extracted{again}, see failed.csv; the rest is done")


def _refuse_another(media: Path, out: Path) -> None:
    """Raise DataError where `out` has a manifest of recordings of which none lies in `media`: it would be lost."""
    if (manifest := out / MANIFEST).exists():
        names = [row.recording for row in read_manifest(manifest)]
        if names and not media_files(media, out).keys() & set(names):
            raise DataError(
                f"{printable(manifest)}: is of other recordings, such as {names[0]}, and would be lost; give another folder to --out"
            )


def _say_failed(failed: tuple[tuple[str, str], ...]) -> None:
    for name, reason in failed[:LINES_SHOWN]:
        typer.echo(f"failed: {name}: {reason}", err=True)
    if len(failed) > LINES_SHOWN:
        typer.echo(f"failed: {len(failed) - LINES_SHOWN} more", err=True)


def _say_status(status: ExtractStatus, out: Path, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(status), ensure_ascii=False, indent=1))
        return
    for name, reason in status.failed:
        typer.echo(f"failed: {name}: {reason}")
    for name in status.on_their_way:
        typer.echo(f"on its way: {name}")
    typer.echo(
        f"{printable(out)}: {status.done} done ({status.done_s / 3600:.2f} h), {len(status.failed)} failed, {len(status.on_their_way)} on their way, "
        f"{status.to_do} to do ({status.to_do_s / 3600:.2f} h left); {'running' if status.running else 'not running'}"
    )
