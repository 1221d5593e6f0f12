"""Text under its rule."""

import unicodedata

import pytest

from telucodec.data.transcript import has_number, normalised

SENTENCES = ["గుంటూరు నుండి నా మిత్రుడు ఎల్లుండి వస్తున్నాడు.", "ಶಿವಪ್ಪನಾಯಕನ", "ഓണം വരാനൊരു മൂലം വേണം.", "Da ja Europa!", ""]
ODD = ["నమస్తే ❤\ufe0f అందరికీ", "1\ufe0f\u20e3", "\u2764 \u0c4d", "a\u034f\u0301", "\u0149", "\u1e9e\u0345"]


@pytest.mark.parametrize("sentence", [*SENTENCES, *ODD])
def test_the_rule_applied_twice_changes_nothing_more(sentence):
    assert normalised(normalised(sentence)) == normalised(sentence)
    assert unicodedata.is_normalized("NFC", normalised(sentence))


def test_joiners_change_nothing_but_the_drawing():
    assert normalised("కార్\u200cలో") == normalised("కార్లో")


def test_the_old_spelling_of_a_chillu_is_the_new_one():
    assert normalised("അവന്\u200d") == normalised("അവൻ") == "അവൻ"


def test_digits_of_any_script_are_ascii_and_not_spelled_out():
    assert normalised("౧౨ ರೂ ೫") == "12 ರೂ 5"


@pytest.mark.parametrize("text", ["౧౦ గంటలు", "5", "½ కిలో", "౸ కిలో", "m²", "Ⅳ"])
def test_numbers_in_signs_are_told_from_words(text):
    assert has_number(text) and not has_number("పది గంటలు, 😀!")


def test_punctuation_parts_words_and_apostrophes_do_not():
    assert normalised("Don't -- stop,now!") == normalised("Don\u2019t stop now") == normalised("Don\u02bct stop now") == "dont stop now"


def test_an_emoji_leaves_no_word_behind():
    assert normalised("నమస్తే ❤\ufe0f అందరికీ") == "నమస్తే అందరికీ"
    assert normalised("❤\ufe0f") == normalised("\U0001f1ee\U0001f1f3") == normalised("\U0001f44d\U0001f3fd") == ""
    assert normalised("1\ufe0f\u20e3") == "1"


def test_what_is_not_seen_is_not_a_letter():
    assert normalised("క\U000e0100\u034fమ\u3164\ufe0e") == "కమ"


def test_a_mark_stands_on_a_letter_or_goes():
    assert normalised("❤ \u0c4d క\u0c3e -\u0c3e") == "కా"
    assert normalised("\u0c02") == ""


def test_what_is_composed_or_not_is_one_text():
    assert normalised("\u0c46\u0c56") == normalised("\u0c48")
    assert normalised("\u0390") == "\u0390"  # whose case is folded into three characters
