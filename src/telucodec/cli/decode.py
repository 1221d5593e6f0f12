"""telucodec decode: a .tlc file back into sound."""

import json
from pathlib import Path
from typing import Annotated

import typer

from telucodec.audio.sound_file import write_audio
from telucodec.bitstream.container import open_tlc
from telucodec.cli.ending import spare
from telucodec.cli.piped import PIPE, piped_in, piped_out
from telucodec.cli.progress import progress_bar, watched
from telucodec.counting import counted
from telucodec.errors import BitstreamError
from telucodec.runtime.codec import load_codec
from telucodec.runtime.packets import read_header

LONGEST_S = 1e8
"""More seconds than any file holds."""


def decode(
    source: Annotated[Path, typer.Argument(help="A .tlc file; - for what is piped in.")],
    target: Annotated[Path, typer.Argument(help="Sound to write, .wav or .flac; - to pipe it out as WAV.")],
    model: Annotated[Path | None, typer.Option(help="Folder of the model it was encoded with; the shipped one if not given.")] = None,
    conceal: Annotated[bool, typer.Option(help="Go on over damaged packets: conceal them, and list them.")] = False,
    start: Annotated[float, typer.Option(min=0, max=LONGEST_S, help="Where to begin, in seconds.")] = 0.0,
    duration: Annotated[float | None, typer.Option(min=0, max=LONGEST_S, help="How many seconds; to the end if not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON.")] = False,
) -> None:
    """Decompress SOURCE (.tlc) into TARGET (.wav or .flac).

    Example: telucodec decode talk.tlc talk.wav
    """
    spare([source], target)
    codec = load_codec(model)
    concealed: list[str] | None = [] if conceal else None
    with (
        piped_in(source) as packed,
        piped_out(target, ".wav") as made,
        open_tlc(packed) as data,
        progress_bar(f"decode {source.name}") as progress,
    ):
        header = read_header(data)
        expected_s = max(0.0, min(header.num_samples / codec.sample_rate - start, duration if duration is not None else float("inf")))
        if expected_s == 0:
            held_s = header.num_samples / codec.sample_rate
            raise BitstreamError(f"nothing there: it holds {held_s:.2f} s; ask for an earlier --start or a longer --duration")
        windows = watched(codec.decode_from(data, concealed, start, duration), codec.sample_rate, expected_s, progress)
        num_samples = write_audio(made, windows, codec.sample_rate)
    for line in concealed or ():
        typer.echo(f"{source}: {line}", err=True)
    if as_json:
        facts = {"path": str(target), "duration_s": num_samples / codec.sample_rate, "concealed": concealed or []}
        typer.echo(json.dumps(facts), err=target == PIPE)
    else:
        told = f"{target}: {num_samples / codec.sample_rate:.2f} s" + (f", {counted(len(concealed), 'gap')} concealed" if concealed else "")
        typer.echo(told, err=target == PIPE)
