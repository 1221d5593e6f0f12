"""A recording session at a terminal: the sentence, a level meter, and single keys. Sound goes in and out through sounddevice (PortAudio)."""

import math
import os
import select
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import numpy as np
import soundfile
from rich import box
from rich.align import Align
from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from telucodec.apps.sound_card import sound_card
from telucodec.data.recording_session import MAX_TAKE_S, RecordingSession, Take
from telucodec.errors import DataError, TelucodecError, one_line

LOWEST_DB = -60.0
METER_COLUMNS = 40
TICK_S = 0.05
"""Between two looks at the keyboard and two pictures of the meter."""

Keys = Callable[[float], str]
"""keys(timeout_s): the key that was pressed, in small letters; empty where none was in that time."""


class Microphone:
    """An input of this machine, mono, at its own rate."""

    def __init__(self, device: int | None = None) -> None:
        """Raises TelucodecError where sounddevice, PortAudio or the microphone is missing."""
        self.sound = sound_card("record in a browser with --web")
        self.device = device
        try:
            self.sample_rate = int(self.sound.query_devices(device, "input")["default_samplerate"])
        except (self.sound.PortAudioError, ValueError) as error:
            raise TelucodecError(f"no microphone ({one_line(error)}); plug one in, or choose another with --device") from error

    def record(self, go_on: Callable[[float, float], bool]) -> np.ndarray:
        """Record until go_on(seconds so far, level in dBFS) is false, or MAX_TAKE_S is full; return wave [T]."""
        pieces: list[np.ndarray] = []
        arrived = threading.Lock()

        def keep(piece: np.ndarray, frames: int, time: object, status: object) -> None:
            with arrived:
                pieces.append(piece[:, 0].copy())

        try:
            with self.sound.InputStream(samplerate=self.sample_rate, channels=1, dtype="float32", device=self.device, callback=keep):
                num_looked_at, num_samples, full = 0, 0, False
                level = LOWEST_DB
                while not full and go_on(num_samples / self.sample_rate, level):
                    with arrived:
                        new = pieces[num_looked_at:]
                    num_looked_at += len(new)
                    num_samples += sum(map(len, new))
                    if new:
                        level = _level_db(np.concatenate(new))
                    full = num_samples >= MAX_TAKE_S * self.sample_rate
        except self.sound.PortAudioError as error:
            raise TelucodecError(
                f"the microphone cannot be read ({one_line(error)}); close what else uses it, or choose another"
            ) from error
        return np.concatenate([np.empty(0, np.float32), *pieces])[: int(MAX_TAKE_S * self.sample_rate)]

    def play(self, take: Take) -> None:
        """Play `take` to its end."""
        wave, sample_rate = soundfile.read(os.fsencode(take.path), dtype="float32")
        try:
            self.sound.play(wave, sample_rate, blocking=True)
        except self.sound.PortAudioError as error:
            raise TelucodecError(f"nothing can be played ({one_line(error)}); accept or retake by the levels shown") from error


def _level_db(wave: np.ndarray) -> float:
    """Return the peak of wave [T] in dBFS, from LOWEST_DB to 0 whatever a driver hands over."""
    peak = float(np.nan_to_num(np.abs(wave)).max(initial=0.0))
    return min(0.0, 20 * math.log10(max(peak, 10 ** (LOWEST_DB / 20))))


def need_terminal() -> None:
    """Raise TelucodecError where nobody could press a key."""
    if not sys.stdin.isatty():
        raise TelucodecError("recording needs a terminal to press keys at; run it in one, or use --web")


@contextmanager
def keyboard() -> Iterator[Keys]:
    """Yield `keys` that reads single keys from the terminal, without their showing on it."""
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)

    def keys(timeout_s: float) -> str:
        if not select.select([number], [], [], timeout_s)[0]:
            return ""
        pressed = os.read(number, 32)
        return pressed.decode("utf-8", "ignore")[:1].lower() or "q"  # nothing to read: the terminal is gone

    try:
        tty.setcbreak(number)
        yield keys
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def ask_consent(session: RecordingSession, speaker: str, language: str, licence: str, console: Console) -> bool:
    """Show the consent text, ask for what is not given, store the answer; return whether there is consent."""
    if session.consent:
        return True
    console.print(Panel(Text(session.consent_text), title="Before the first recording"))
    with suppress(EOFError):
        speaker = speaker or console.input("speaker name, real or made up: ")
        licence = licence or console.input("licence of the recordings, such as CC0-1.0: ")
        if console.input("do you agree? type yes: ").strip().lower() == "yes":
            session.give_consent(speaker, language, licence)
    return session.consent is not None


def record_at_terminal(session: RecordingSession, microphone: Microphone, keys: Keys, console: Console) -> None:
    """Go through the sentences of `session` until they are done or q is pressed."""
    while prompt := session.prompt:
        console.clear()
        console.rule(Text(str(session.progress)))
        # Lines above and below alone: terminals differ in how wide Telugu letters are, and a right border would be ragged.
        console.print(Panel(Align.center(Text(prompt.text, style="bold", justify="center")), box.HORIZONTALS, padding=(2, 4)))
        console.print("Enter record   s skip   q quit", highlight=False)
        key = _one_of(keys, "\n\rsq")
        if key == "q":
            return
        if key == "s":
            session.skip(prompt.name)
            continue
        wave = _record(microphone, keys, console)
        try:
            take = session.hear(prompt.name, wave, microphone.sample_rate)
        except DataError as error:  # a microphone that gives nothing, or no numbers
            console.print(Text(f"{error}. Enter go on   q quit", style="red"))
            if _one_of(keys, "\n\rq") == "q":
                return
            continue
        if not _decide(session, take, microphone, keys, console):
            return


def _record(microphone: Microphone, keys: Keys, console: Console) -> np.ndarray:
    """Record until Enter, with a meter below the sentence."""
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def go_on(duration_s: float, level_db: float) -> bool:
            live.update(_meter(duration_s, level_db), refresh=True)
            return keys(TICK_S) not in ("\n", "\r", "q")

        return microphone.record(go_on)


def _meter(duration_s: float, level_db: float) -> Text:
    filled = round(METER_COLUMNS * (1 - level_db / LOWEST_DB))
    colour = "red" if level_db > -1 else "green" if level_db > -36 else "yellow"
    picture = Text("█" * filled, style=colour)
    picture.append("·" * (METER_COLUMNS - filled), style="dim")
    picture.append(f" {level_db:4.0f} dBFS  {duration_s:4.1f} s  Enter stop", style="default")
    return picture


def _decide(session: RecordingSession, take: Take, microphone: Microphone, keys: Keys, console: Console) -> bool:
    """Tell what is wrong with `take` and do what the speaker wants; return whether to go on."""
    console.print(Text(take.level))
    for finding in take.findings:
        console.print(Text(str(finding), style="red"))
    if not take.findings:
        console.print("Sounds good.", style="green")
    console.print("a accept   p play   r retake   s skip   q quit", highlight=False)
    while True:
        key = _one_of(keys, "aprsq")
        if key == "p":
            try:
                microphone.play(take)
            except TelucodecError as error:
                console.print(Text(str(error), style="red"))
            continue
        if key == "a":
            session.accept(take.name)
        elif key == "s":
            session.skip(session.prompt.name)
        else:
            session.retake(take.name)
        return key != "q"


def _one_of(keys: Keys, wanted: str) -> str:
    """Wait for one of the keys `wanted`."""
    while (key := keys(1.0)) not in wanted or not key:
        pass
    return key
