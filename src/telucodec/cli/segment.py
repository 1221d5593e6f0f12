"""`telucodec segment`: recordings into segments of speech."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from telucodec.cli.ending import spare
from telucodec.cli.progress import progress_bar
from telucodec.counting import counted
from telucodec.data.manifest import moved, read_manifests, write_manifest
from telucodec.data.segment import PURPOSES, SegmentConfig
from telucodec.data.segment import segment as cut_all
from telucodec.errors import DataError
from telucodec.files import printable

Purpose = StrEnum("Purpose", {name: name for name in PURPOSES})

LINES_SHOWN = 5


def segment(
    manifests: Annotated[list[Path], typer.Argument(help="Manifests of recordings, .csv or .jsonl.")],
    out: Annotated[Path, typer.Option(help="Manifest of segments to write, .csv or .jsonl.")],
    purpose: Annotated[
        Purpose, typer.Option("--for", help="codec: 1 to 15 s. text: 5 to 16 s, to write down what is said.")
    ] = Purpose.codec,
    min_s: Annotated[float | None, typer.Option("--min", help="Shortest segment in seconds, at least 0.1.")] = None,
    max_s: Annotated[float | None, typer.Option("--max", help="Longest segment in seconds, at least twice the shortest.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes to share the work; one per core if not given.")] = None,
) -> None:
    """Cut the recordings of MANIFESTS into segments of speech, at pauses; what is no speech is left out. Sound files stay as they are.

    Pauses of up to 1 s are part of a segment, with 0.2 s of silence before and after it. Rows with text are utterances already and are
    passed on unchanged. Recordings that cannot be read are named and left out; exit code 2 then.

    Example: telucodec segment data/raw/videos/manifest.csv --out data/raw/videos/segments.csv
    """
    spare(manifests, out)
    usual = PURPOSES[purpose.value]
    config = SegmentConfig(usual.min_s if min_s is None else min_s, usual.max_s if max_s is None else max_s)
    root = manifests[0].parent
    rows = read_manifests(manifests, root)
    if not rows:
        raise DataError(f"{manifests[0]}: holds no rows; extract or import recordings first")
    with progress_bar("segment") as progress:
        done = cut_all(rows, root, config, jobs or os.cpu_count() or 1, progress)
    for line in [*done.unreadable, *done.speechless[:LINES_SHOWN]]:
        typer.echo(f"left out: {line}", err=True)
    if not done.rows:
        raise DataError(f"{out}: not written, no speech in {done.heard_s / 60:.1f} minutes heard; see the lines above")
    write_manifest(out, moved(done.rows, root, out.parent))
    share = f" ({100 * done.kept_s / done.heard_s:.0f} %)" if done.heard_s else ""
    typer.echo(
        f"{printable(out)}: {counted(len(done.rows) - done.num_utterances, 'segment')} of {config.min_s:g} to {config.max_s:g} s, "
        f"{done.kept_s / 60:.1f} minutes kept of {done.heard_s / 60:.1f} heard{share}"
        + (f"; {counted(done.num_utterances, 'utterance')} passed on" if done.num_utterances else "")
        + (f"; {counted(len(done.speechless), 'recording')} without speech" if done.speechless else "")
    )
    if done.unreadable:
        raise DataError(f"{len(done.unreadable)} of the recordings could not be read and were left out, see above; the rest is done")
