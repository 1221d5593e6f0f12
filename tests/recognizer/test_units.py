"""Units made from texts, and how they cut text."""

import numpy as np
import pytest
from pydantic import ValidationError

from telucodec.data.transcript import normalised
from telucodec.errors import ConfigError, DataError
from telucodec.recognizer.units import Units, UnitsConfig, frames_needed

TEXTS = [normalised(text) for text in ["వస్తున్నాడు వస్తున్నాడు", "నా మిత్రుడు", "నా మిత్రుడు వస్తున్నాడు"] * 4]


@pytest.mark.parametrize("kind", ["characters", "aksharas", "bpe"])
def test_what_is_encoded_is_decoded_to_the_same_text(kind):
    if kind == "bpe":
        pytest.importorskip("sentencepiece")
    units = UnitsConfig(kind=kind, num_pieces=30).make(TEXTS)
    for text in TEXTS:
        assert units.decode(units.encode(text)) == text


@pytest.mark.parametrize("kind", ["characters", "bpe"])
def test_no_symbols_are_a_text_that_is_empty(kind):
    assert Units(kind=kind, symbols=("\u2581", "a")).encode("") is None


def test_a_vowel_heard_in_two_halves_is_the_vowel():
    units = UnitsConfig(least_count=1).make([normalised(text) for text in ("കൊടി", "കെടാ")])
    halves = [units.symbols.index(half) + 1 for half in "ക\u0d46\u0d3eടി"]
    assert units.decode(halves) == normalised("കൊടി") and len(halves) == 1 + len(normalised("കൊടി"))


def test_aksharas_make_shorter_texts_than_characters():
    lengths = [len(UnitsConfig(kind=kind).make(TEXTS).encode(TEXTS[0])) for kind in ("characters", "aksharas")]
    assert lengths[0] > 1.5 * lengths[1]


def test_a_symbol_that_is_too_rare_cannot_be_said():
    units = UnitsConfig(least_count=2).make([*TEXTS, "క"])
    assert units.encode("క") is None


def test_no_text_makes_no_units():
    with pytest.raises(DataError, match="text"):
        UnitsConfig().make(["", ""])


def test_texts_too_short_for_units_are_told_in_one_line():
    with pytest.raises(DataError, match="units.least_count"):
        UnitsConfig(least_count=2).make(["abc"])
    pytest.importorskip("sentencepiece")
    with pytest.raises(ConfigError, match="units.num_pieces 8: .* different characters"):
        UnitsConfig(kind="bpe", num_pieces=8).make(TEXTS)


def test_a_symbol_twice_is_refused():
    with pytest.raises(ValidationError):
        Units(kind="characters", symbols=("a", "a"))


def test_equal_neighbours_need_a_blank_between():
    assert frames_needed(np.array([1, 1, 2, 2, 3])) == 7
    assert frames_needed(np.array([], np.int64)) == 0
