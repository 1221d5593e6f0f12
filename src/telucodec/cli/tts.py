"""telucodec tts: synthetic speech of given sentences."""

from pathlib import Path
from typing import Annotated

import typer

from telucodec.cli.import_ import say_imported
from telucodec.cli.progress import progress_bar
from telucodec.data.importing import import_source
from telucodec.data.prompts import Prompts
from telucodec.data.synthesis import SYNTHESISERS

NAME = "tts"


def tts(
    prompts: Annotated[Path, typer.Argument(help="Text file, UTF-8, a sentence on each line.")],
    out: Annotated[Path, typer.Option(help="Folder to write to; run again to go on from there.")],
    voice: Annotated[str, typer.Option(help="Voice of espeak-ng; `espeak-ng --voices` lists them.")] = "te",
    limit: Annotated[int | None, typer.Option(min=1, help="How many sentences to speak; all if not given.")] = None,
    licence: Annotated[str, typer.Option(help="Licence of the sentences.")] = "",
) -> None:
    """Speak the sentences of PROMPTS with espeak-ng, offline, into OUT; rows are marked synthetic and are for training alone.

    Example: telucodec tts prompts.txt --out data/raw/tts --voice te --limit 200
    """
    with progress_bar(f"tts {prompts.name}") as progress:
        imported = import_source(Prompts(prompts, SYNTHESISERS["espeak"](voice), limit, licence), out, NAME, progress)
    say_imported(imported)
