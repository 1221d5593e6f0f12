"""Telugu words, their sounds checked by hand against the script's rules; other scripts by letters."""

import pytest

from telucodec.data.phones import is_telugu, phones


@pytest.mark.parametrize(
    "word, sounds",
    [
        ("తెలుగు", "t e l u g u"),
        ("అమ్మ", "a m m a"),
        ("నమస్కారం", "n a m a s k aː r a m"),
        ("సంగీతం", "s a ŋ g iː t a m"),
        ("పంచ", "p a ɲ tʃ a"),
        ("పంట", "p a ɳ ʈ a"),
        ("పంది", "p a n d i"),
        ("పంపు", "p a m p u"),
        ("సింహం", "s i m h a m"),
        ("దుఃఖం", "d u h kʰ a m"),
        ("కృష్ణ", "k r u ʂ ɳ a"),
        ("విద్య", "ʋ i d j a"),
        ("ఐదు", "ai d u"),
        ("కౌలు", "k au l u"),
        ("మార్కెట్", "m aː r k e ʈ"),
        ("బ్యాంక్‌లు", "b j aː ŋ k l u"),  # with a joiner that only shapes the letters
    ],
)
def test_a_telugu_word_is_read_by_rule(word, sounds):
    assert phones(word) == ["_", *sounds.split(), "_"]


def test_words_are_joined_and_punctuation_is_a_pause():
    assert phones("ఆ ఊ, ఈ.") == ["_", "aː", "uː", "_", "iː", "_"]


def test_other_scripts_are_read_by_letters_with_their_marks():
    assert phones("Über") == ["_", "ü", "b", "e", "r", "_"]
    assert phones("मैं") == ["_", "मैं", "_"]
    assert is_telugu(["తెలుగు, 12"]) and not is_telugu(["తెలుగు", "Über"])


def test_what_holds_no_letter_is_a_pause():
    assert phones("12 ?!") == phones("") == ["_"]
