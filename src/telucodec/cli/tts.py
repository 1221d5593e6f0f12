"""telucodec tts: synthetic speech of given sentences."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from telucodec.cli.import_ import say_imported
from telucodec.cli.progress import progress_bar
from telucodec.data.importing import import_source
from telucodec.data.prompts import Prompts
from telucodec.data.synthesis import SYNTHESISERS

Synthesiser = StrEnum("Synthesiser", {name: name for name in SYNTHESISERS})

NAME = "tts"


def tts(
    prompts: Annotated[Path, typer.Argument(help="Text file, UTF-8, a sentence on each line.")],
    out: Annotated[Path, typer.Option(help="Folder to write to; run again to go on from there.")],
    synthesiser: Annotated[Synthesiser, typer.Option(help="What speaks.")] = Synthesiser.espeak,
    voice: Annotated[str, typer.Option(help="Its voice; `espeak-ng --voices` lists those of espeak.")] = "te",
    limit: Annotated[int | None, typer.Option(min=1, help="How many sentences to speak; all if not given.")] = None,
    licence: Annotated[str, typer.Option(help="Licence of the sentences.")] = "",
) -> None:
    """Speak the sentences of PROMPTS with a synthesiser, offline, into OUT; rows are marked synthetic and are for training alone.

    Example: telucodec tts prompts.txt --out data/raw/tts --voice te --limit 200
    """
    with progress_bar(f"tts {prompts.name}") as progress:
        imported = import_source(Prompts(prompts, SYNTHESISERS[synthesiser.value](voice), limit, licence), out, NAME, progress)
    say_imported(imported)
