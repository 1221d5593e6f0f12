"""telucodec encode: any audio or video file into a .tlc file."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from telucodec.audio.media import stated_duration, stream_media
from telucodec.cli.ending import ending_in, spare
from telucodec.cli.piped import PIPE, or_piped, piped_in, piped_out
from telucodec.cli.progress import progress_bar, watched
from telucodec.errors import TelucodecError
from telucodec.files import whole
from telucodec.runtime.codec import load_codec

MISSED = 0.03
"""Share of the asked bitrate from which on it is said that it was not met."""


class Mode(StrEnum):
    natural = "natural"
    fidelity = "fidelity"


def encode(
    source: Annotated[Path, typer.Argument(help="Any audio or video file; - for what is piped in.")],
    target: Annotated[Path, typer.Argument(help="File to write, .tlc; - to pipe it out.", callback=or_piped(ending_in(".tlc")))],
    kbps: Annotated[
        float | None,
        typer.Option(min=0.5, max=256, help="Average bitrate of the whole file; 6 with the shipped model if nothing is asked."),
    ] = None,
    quality: Annotated[
        float | None,
        typer.Option(min=-36, max=96, help="Constant quality instead: quantisation step in dB below full scale, e.g. 40."),
    ] = None,
    mode: Annotated[
        Mode | None,
        typer.Option(
            help="natural: pleasant to hear; fidelity: close to the waveform. Natural if not given; a codec of codes has neither."
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Folder of a model that `telucodec build` or `telucodec optimize` made; the shipped one if not given."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON.")] = False,
) -> None:
    """Compress SOURCE, any audio or video file, into TARGET (.tlc).

    Example: telucodec encode talk.mp4 talk.tlc --kbps 6
    """
    if kbps is not None and quality is not None:
        raise typer.BadParameter("ask for --kbps or for --quality, not for both")
    spare([source], target)
    codec = load_codec(model)
    if mode and mode.value not in codec.modes:
        raise TelucodecError(f"{model}: a codec of discrete codes has no {mode.value} mode; leave --mode out")
    chosen = mode.value if mode else codec.modes[0]
    with piped_in(source) as heard, piped_out(target, ".tlc") as made, progress_bar(f"encode {source.name}") as progress:
        windows = watched(stream_media(heard, codec.sample_rate), codec.sample_rate, stated_duration(heard), progress)
        with whole(made) as beside, open(beside, "wb") as sink:
            header = codec.encode_to(sink, windows, kbps, quality, chosen)
        num_bytes = made.stat().st_size
    duration_s = header.num_samples / header.sample_rate
    rate = 8 * num_bytes / duration_s / 1000 if duration_s else float("nan")
    if as_json:
        facts = {
            "path": str(target),
            "bytes": num_bytes,
            "duration_s": duration_s,
            "kbps": rate,
            "mode": chosen,
            "model": codec.identity,
        }
        typer.echo(json.dumps(facts), err=target == PIPE)
    else:
        pcm_bytes = 2 * header.num_samples
        typer.echo(
            f"{target}: {num_bytes:,} bytes for {duration_s:.2f} s, {rate:.2f} kbps, {pcm_bytes / num_bytes:.1f} times smaller than 16-bit PCM",
            err=target == PIPE,
        )
        if kbps is not None and not abs(rate / kbps - 1) <= MISSED:
            typer.echo(f"{target}: missed {kbps:g} kbps: {codec.why_missed}", err=True)
