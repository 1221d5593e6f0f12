"""Sentences, one a line, to be read aloud, or as a source whose sounds a machine speaks. Imported like any other source; its rows are marked synthetic.

A sound is named by the voice and the sentence, so that a sentence is spoken once, wherever in the file it stands.
"""

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

from telucodec.data.manifest import one_form
from telucodec.data.sources.source import Reject, Utterance
from telucodec.data.synthesis.voice import Voice
from telucodec.errors import DataError, MediaError
from telucodec.files import fits_a_line, read_table

DIGITS = 16
"""Of the digest in a name: 64 bits, so that no two sentences of a million share one."""


def read_sentences(path: Path) -> list[str]:
    """Return the sentences of `path` as `read_lines` does, each once."""
    return list(dict.fromkeys(read_lines(path)))


def read_lines(path: Path) -> list[str]:
    """Return the sentences of `path`, one a line, in NFC with single spaces; what follows a tab in a line is passed over.

    Raises DataError where there is none, or one holds characters that do not print.
    """
    clean = [one_form(line.split("\t")[0]) for line in read_table(path).split("\n")]
    for number, line in enumerate(clean, 1):
        if not fits_a_line(line):
            raise DataError(f"{path}, line {number}: holds characters that do not print; type that line anew, or leave it out")
    sentences = [line for line in clean if line]
    if not sentences:
        raise DataError(f"{path}: holds no sentence; write one on each line")
    return sentences


def sentence_name(voice: str, text: str) -> str:
    """Return the name of the sound of `text` in `voice`."""
    return hashlib.sha256(f"{voice}\n{text}".encode()).hexdigest()[:DIGITS]


class Prompts:
    """The sentences of a text file, in one voice."""

    def __init__(self, path: Path, voice: Voice, limit: int | None = None, licence: str = "") -> None:
        self.path, self.voice, self.limit, self.licence = Path(path), voice, limit, licence
        self.texts: dict[str, str] = {}
        """Sentence of each name, in the order of the file."""

    def utterances(self, reject: Reject) -> Iterator[Utterance]:
        self.voice.check()
        for text in read_sentences(self.path)[: self.limit]:
            name = sentence_name(self.voice.name, text)
            self.texts[name] = text
            yield Utterance(name, text, self.voice.name, self.voice.language, self.licence, synthetic=True)

    def state(self, name: str) -> str:
        return ""  # the name tells voice and sentence

    def sounds(self, wanted: Collection[str], scratch: Path, reject: Reject) -> Iterator[tuple[str, Path]]:
        scratch.mkdir(parents=True, exist_ok=True)
        for name, text in self.texts.items():
            if name not in wanted:
                continue
            place = scratch / f"{name}.wav"
            try:
                self.voice.speak(text, place)
            except MediaError as error:
                reject(name, str(error))
                continue
            yield name, place
            place.unlink(missing_ok=True)
