"""What a recogniser can say: blank, then symbols, each a piece of text; made from the training text."""

import io
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from telucodec.errors import ConfigError, DataError, TrainingError
from telucodec.recognizer.text import aksharas

BLANK = 0
"""Number of what stands for nothing said; symbols follow from 1."""
WORD_START = "\u2581"
"""What sentencepiece writes for the space before a word."""

Kind = Literal["characters", "aksharas", "bpe"]


class UnitsConfig(BaseModel):
    """How text is cut."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind = "characters"
    """Code points, aksharas (`text.aksharas`), or pieces that sentencepiece's byte pair encoding finds."""
    least_count: Annotated[int, Field(ge=1)] = 2
    """Times that a symbol must be in the training text; a row with a rarer one is left out."""
    num_pieces: Annotated[int, Field(ge=8, le=8192)] = 256
    """Of bpe."""

    def make(self, texts: Sequence[str]) -> "Units":
        """The units of `texts`.

        Raises DataError where they are empty or hold no symbol often enough, ConfigError where they do not make so many pieces,
        TrainingError where sentencepiece is needed and missing.
        """
        if not any(texts):
            raise DataError("no transcript has any text; look into the manifest's column `text`")
        if self.kind == "bpe":
            return Units(kind=self.kind, symbols=_pieces(texts, self.num_pieces))
        counts = Counter(symbol for text in texts for symbol in _cut(text, self.kind))
        symbols = tuple(sorted(symbol for symbol, count in counts.items() if count >= self.least_count))
        if not symbols:
            raise DataError(f"no symbol is in the transcripts {self.least_count} times; add rows, or set units.least_count to 1")
        return Units(kind=self.kind, symbols=symbols)


class Units(BaseModel):
    """Symbols in the order of their numbers, the first of which is 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    symbols: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> "Units":
        if len(set(self.symbols)) < len(self.symbols):
            raise ValueError("a symbol is there twice")
        return self

    @property
    def size(self) -> int:
        """Numbers in use, the blank's too."""
        return 1 + len(self.symbols)

    def encode(self, text: str) -> np.ndarray | None:
        """Numbers int64 [L] of normalised `text`; None where it is empty or needs a symbol that is not there."""
        numbers = {symbol: number for number, symbol in enumerate(self.symbols, 1)}
        found = _greedy(WORD_START + text.replace(" ", WORD_START), numbers) if self.kind == "bpe" else _cut(text, self.kind)
        if not text or found is None or any(symbol not in numbers for symbol in found):
            return None
        return np.array([numbers[symbol] for symbol in found], np.int64)

    def decode(self, numbers: Iterable[int]) -> str:
        """Text of `numbers` in NFC, as references are, blanks left out."""
        text = unicodedata.normalize("NFC", "".join(self.symbols[number - 1] for number in numbers if number != BLANK))
        return " ".join((text.replace(WORD_START, " ") if self.kind == "bpe" else text).split())


def frames_needed(numbers: np.ndarray) -> int:
    """Frames that CTC needs to say `numbers`: one each, and a blank between two that are equal."""
    return len(numbers) + int(np.count_nonzero(numbers[1:] == numbers[:-1]))


def _cut(text: str, kind: Kind) -> list[str]:
    return aksharas(text) if kind == "aksharas" else list(text)


def _greedy(text: str, numbers: dict[str, int]) -> list[str] | None:
    """`text` in pieces from left to right, the longest that fits each time: needs the list of pieces alone, neither merges nor a library."""
    longest = max(map(len, numbers))
    found, place = [], 0
    while place < len(text):
        piece = next((text[place : place + size] for size in range(longest, 0, -1) if text[place : place + size] in numbers), None)
        if piece is None:
            return None
        found.append(piece)
        place += len(piece)
    return found


def _pieces(texts: Sequence[str], num_pieces: int) -> tuple[str, ...]:
    try:
        import sentencepiece
    except ImportError as error:
        raise TrainingError('units of kind bpe need sentencepiece; pip install "telucodec[recognizer]", or take characters') from error
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=model,
            model_type="bpe",
            vocab_size=num_pieces,
            hard_vocab_limit=False,
            character_coverage=1.0,
            normalization_rule_name="identity",
            bos_id=-1,
            eos_id=-1,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise ConfigError(
            f"units.num_pieces {num_pieces}: sentencepiece cannot cut these texts of {len(set(''.join(texts)))} different characters so; "
            "set a larger number, or take characters"
        ) from error
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = [processor.id_to_piece(number) for number in range(processor.get_piece_size()) if not processor.is_unknown(number)]
    return tuple(sorted({*pieces, WORD_START}))
