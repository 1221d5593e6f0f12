"""Aksharas, and one script for related languages."""

import unicodedata

import pytest

from telucodec.recognizer.text import aksharas, in_script, scripts

SENTENCES = ["గుంటూరు నుండి నా మిత్రుడు ఎల్లుండి వస్తున్నాడు.", "ಶಿವಪ್ಪನಾಯಕನ", "ഓണം വരാനൊരു മൂലം വേണം.", "Da ja Europa!", ""]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_aksharas_joined_are_the_text(sentence):
    assert "".join(aksharas(sentence)) == sentence


def test_a_conjunct_with_its_vowel_is_one_akshara():
    assert aksharas("వస్తున్నాడు") == ["వ", "స్తు", "న్నా", "డు"]
    assert aksharas("ಶಿವಪ್ಪ") == ["ಶಿ", "ವ", "ಪ್ಪ"]
    assert aksharas("రాష్ట్రం లో") == ["రా", "ష్ట్రం", " ", "లో"]


def test_related_scripts_have_their_sounds_at_the_same_places():
    assert in_script("ಕನ್ನಡ", "telugu") == "కన్నడ"
    assert in_script("മലയാളം", "telugu") == "మలయాళం"
    assert in_script("അവൻ", "telugu") == "అవన్"
    assert in_script("abc కన్నడ", "telugu") == "abc కన్నడ"
    assert in_script("മലയാളം", "") == "മലയാളം"


@pytest.mark.parametrize(("text", "script"), [("ৰাম", "gujarati"), ("ॲप", "bengali"), ("ൿ", "telugu"), ("১", "malayalam")])
def test_letters_stay_letters_in_another_script(text, script):
    moved = in_script(text, script)
    assert [unicodedata.category(char)[0] for char in moved if char != "\u0c4d"] == [unicodedata.category(char)[0] for char in text]


def test_scripts_are_told_apart():
    assert scripts("తెలుగు abc") == {"TELUGU": 3, "LATIN": 3}
