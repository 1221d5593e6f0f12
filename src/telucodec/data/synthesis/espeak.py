"""eSpeak NG, https://github.com/espeak-ng/espeak-ng: formant synthesis of a hundred languages, Telugu (`te`) among them, offline.

It runs as a program of its own; what it speaks sounds like a machine, so its rows are for training alone.
"""

import re
import subprocess
from pathlib import Path

from telucodec.errors import DataError, MediaError

PROGRAM = "espeak-ng"
LONGEST_S = 60
"""A sentence takes a fraction of a second; what takes longer hangs."""


class Espeak:
    """A voice of espeak-ng, by its name there: te, en-us, te+f3 ..."""

    def __init__(self, voice: str = "te") -> None:
        self.voice = voice
        self.name = f"{PROGRAM} {voice}"
        self.language = re.split(r"[-+]", voice)[0]

    def check(self) -> None:
        done = self._run("-q", text="a")
        if done.returncode:
            raise DataError(f"{self.voice}: no voice of {PROGRAM}; `{PROGRAM} --voices` lists them")

    def speak(self, text: str, target: Path) -> None:
        done = self._run("-w", str(target), text=text)
        if done.returncode or not target.exists():
            said = " ".join(done.stderr.decode("utf-8", "replace").split()) or f"exit code {done.returncode}"
            raise MediaError(f"{text[:40]!r}: cannot be spoken by {PROGRAM} ({said}); leave it out")

    def _run(self, *options: str, text: str) -> subprocess.CompletedProcess:
        """Run the program on `text`, which goes in as UTF-8 on standard input, so that no sentence is taken for an option."""
        command = [PROGRAM, "-v", self.voice, "-b", "1", *options, "--stdin"]
        try:
            return subprocess.run(command, input=text.encode(), capture_output=True, timeout=LONGEST_S)
        except FileNotFoundError as error:
            raise DataError(f"{PROGRAM}: is not installed, and speaks the sentences; apt-get install espeak-ng") from error
        except subprocess.TimeoutExpired as error:
            raise MediaError(f"{text[:40]!r}: {PROGRAM} did not finish in {LONGEST_S} s; leave it out") from error
