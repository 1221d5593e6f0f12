"""What a synthesiser is: something that speaks a sentence into a WAV file."""

from pathlib import Path
from typing import Protocol


class Voice(Protocol):
    """One voice of one synthesiser."""

    name: str
    """Synthesiser and voice; the speaker of its rows."""
    language: str
    """Code of the language it speaks."""

    def __init__(self, voice: str) -> None:
        """Be the voice that the synthesiser calls so; `te` speaks Telugu."""

    def check(self) -> None:
        """Raise DataError where it cannot speak at all."""

    def speak(self, text: str, target: Path) -> None:
        """Write `text`, spoken, to the WAV file `target`, always the same. Raises MediaError where it cannot be spoken."""
