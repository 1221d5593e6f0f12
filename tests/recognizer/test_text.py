"""Text under its rule, aksharas, and one script for related languages."""

import pytest

from telucodec.recognizer.text import aksharas, in_script, normalised, scripts

SENTENCES = ["గుంటూరు నుండి నా మిత్రుడు ఎల్లుండి వస్తున్నాడు.", "ಶಿವಪ್ಪನಾಯಕನ", "ഓണം വരാനൊരു മൂലം വേണം.", "Da ja Europa!", ""]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_rule_applied_twice_changes_nothing_more(sentence):
    assert normalised(normalised(sentence)) == normalised(sentence)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_aksharas_joined_are_the_text(sentence):
    assert "".join(aksharas(sentence)) == sentence


def test_a_conjunct_with_its_vowel_is_one_akshara():
    assert aksharas("వస్తున్నాడు") == ["వ", "స్తు", "న్నా", "డు"]
    assert aksharas("ಶಿವಪ್ಪ") == ["ಶಿ", "ವ", "ಪ್ಪ"]
    assert aksharas("రాష్ట్రం లో") == ["రా", "ష్ట్రం", " ", "లో"]


def test_joiners_change_nothing_but_the_drawing():
    assert normalised("కార్\u200cలో") == normalised("కార్లో")


def test_the_old_spelling_of_a_chillu_is_the_new_one():
    assert normalised("അവന്\u200d") == normalised("അവൻ") == "അവൻ"


def test_digits_of_any_script_are_ascii_and_not_spelled_out():
    assert normalised("౧౨ ರೂ ೫") == "12 ರೂ 5"


def test_punctuation_parts_words_and_apostrophes_do_not():
    assert normalised("Don't -- stop,now!") == "dont stop now"


def test_what_is_composed_or_not_is_one_text():
    assert normalised("\u0c46\u0c56") == normalised("\u0c48")
    assert normalised("\u0390") == "\u0390"  # whose case is folded into three characters


def test_related_scripts_have_their_sounds_at_the_same_places():
    assert in_script("ಕನ್ನಡ", "telugu") == "కన్నడ"
    assert in_script("മലയാളം", "telugu") == "మలయాళం"
    assert in_script("അവൻ", "telugu") == "అవన్"
    assert in_script("abc కన్నడ", "telugu") == "abc కన్నడ"
    assert in_script("മലയാളം", "") == "മലയാളം"


def test_scripts_are_told_apart():
    assert scripts("తెలుగు abc") == {"TELUGU": 3, "LATIN": 3}
