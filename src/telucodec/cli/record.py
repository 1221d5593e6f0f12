"""telucodec record: sentences read aloud by one speaker, as 16 kHz FLAC files and a manifest."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from telucodec.data.manifest import MANIFEST
from telucodec.data.prompt_order import in_order
from telucodec.data.prompts import read_sentences
from telucodec.data.recording_session import CONSENT_TEXT, RecordingSession
from telucodec.data.workplace import workplace
from telucodec.errors import DataError


def record(
    prompts: Annotated[Path, typer.Argument(help="Text file, UTF-8, a sentence on each line; what follows a tab is passed over.")],
    out: Annotated[Path, typer.Option(help="Folder of one speaker to write to; run again to go on from there.")],
    speaker: Annotated[str, typer.Option(help="Name of the speaker, real or made up; asked for once if not given.")] = "",
    language: Annotated[str, typer.Option(help="Language of the sentences, such as te.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the recordings, such as CC0-1.0; asked for once if not given.")] = "",
    consent: Annotated[
        Path | None, typer.Option(help="Text file with the words to agree to, in the speaker's language; short English ones if not given.")
    ] = None,
    web: Annotated[bool, typer.Option("--web", help="As a page in the browser of this machine, instead of at the terminal.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --web: port of the page; 0 takes a free one.")] = 8765,
    device: Annotated[
        int | None, typer.Option(help="At the terminal: number of the microphone; `python -m sounddevice` lists them.")
    ] = None,
) -> None:
    """Record the sentences of PROMPTS, one after the other, into OUT: audio/*.flac, manifest.csv, manifest.jsonl, consent.json.

    Those come first that add most pairs of neighbouring sounds. Each take is judged at once: too quiet, clipped, noisy, too short; then it
    is accepted, made again, or skipped. A session that was stopped goes on where it was.

    Example: telucodec record prompts.txt --out data/raw/user_recorded/kavya --speaker kavya --language te --licence CC0-1.0 --web
    """
    words = _consent_words(consent) if consent else CONSENT_TEXT
    sentences = in_order(read_sentences(prompts))
    with workplace(out):
        session = RecordingSession(sentences, out, words)
        session.expect(speaker, language, licence)
        if web:
            _as_page(session, port, speaker, language, licence)
        else:
            _at_terminal(session, device, speaker, language, licence)


def _as_page(session: RecordingSession, port: int, speaker: str, language: str, licence: str) -> None:
    from telucodec.apps.record_page import record_server

    server = record_server(session, port, speaker, language, licence)
    typer.echo(f"open {server.address} in a browser of this machine; end with its Finish button, or Ctrl-C here")
    with _told(session):
        server.run()


def _at_terminal(session: RecordingSession, device: int | None, speaker: str, language: str, licence: str) -> None:
    from telucodec.apps.record_terminal import Microphone, ask_consent, keyboard, need_terminal, record_at_terminal

    need_terminal()
    microphone, console = Microphone(device), Console()
    with _told(session):
        if ask_consent(session, speaker, language, licence, console):
            with keyboard() as keys:
                record_at_terminal(session, microphone, keys, console)


@contextmanager
def _told(session: RecordingSession) -> Iterator[None]:
    """Tell at the end, also of one by Ctrl-C, what was recorded."""
    try:
        yield
    finally:
        session.close()
        where = session.out / MANIFEST
        typer.echo(f"{where}: {session.progress}" if session.consent else f"{session.out}: nothing was recorded, nobody agreed to it")


def _consent_words(path: Path) -> str:
    """Return the text of `path`. Raises DataError where there is none."""
    try:
        words = path.read_text("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); give a UTF-8 text file") from error
    if not words:
        raise DataError(f"{path}: is empty; write what the speaker is to agree to")
    return words
