"""The sounds of a text, near enough to count which of them meet: Telugu by rule, any other script by its letters.

Telugu is written nearly as it is spoken. A consonant carries the vowel a unless a vowel sign or the virama follows it (The Unicode
Standard, section 12.7). The anusvara is the nasal of the stop behind it, and m elsewhere; the visarga is h; vocalic r is read ru
(Krishnamurti and Gwynn, A Grammar of Modern Telugu, 1985, chapter 2). Aspirates and long vowels are sounds of their own. Not modelled:
vowels that colloquial speech drops, the affricates ts and dz where they are written as palatals, f written as an aspirated p.

For other scripts a sound is a letter with its marks, in small letters: pairs of these are pairs of letters and no more.
"""

import unicodedata

PAUSE = "_"
"""Before and after a sentence, and at all that is neither letter nor space. Words within are read without one."""

VIRAMA, ANUSVARA, VISARGA = "\u0c4d", "\u0c02", "\u0c03"
INHERENT = "a"

_CONSONANT_SOUNDS = "k kʰ g gʱ ŋ tʃ tʃʰ dʒ dʒʱ ɲ ʈ ʈʰ ɖ ɖʱ ɳ t tʰ d dʱ n p pʰ b bʱ m j r r l ɭ ɻ ʋ ʃ ʂ s h ts dz r"
CONSONANTS = dict(zip("కఖగఘఙచఛజఝఞటఠడఢణతథదధనపఫబభమయరఱలళఴవశషసహౘౙౚ", _CONSONANT_SOUNDS.split(), strict=True))

_VOCALIC = {"ru": ("r", "u"), "ruː": ("r", "uː"), "lu": ("l", "u"), "luː": ("l", "uː")}
_VOWEL_SOUNDS = "aː i iː u uː ru ruː lu luː e eː ai o oː au"
_VOWELS = [_VOCALIC.get(name, (name,)) for name in _VOWEL_SOUNDS.split()]
LETTERS = {"అ": (INHERENT,), **dict(zip("ఆఇఈఉఊఋౠఌౡఎఏఐఒఓఔ", _VOWELS, strict=True)), "\u0c5d": ("n",)}
"""Vowels that stand alone, and the n without a vowel (nakaara pollu)."""
SIGNS = dict(zip("\u0c3e\u0c3f\u0c40\u0c41\u0c42\u0c43\u0c44\u0c62\u0c63\u0c46\u0c47\u0c48\u0c4a\u0c4b\u0c4c", _VOWELS, strict=True))
"""Vowels written on a consonant, in the order of LETTERS."""

NASALS = {"ŋ": "కఖగఘఙ", "ɲ": "చఛజఝఞ", "ɳ": "టఠడఢణ", "n": "తథదధనౘౙ", "m": "పఫబభమ"}
NASAL_BEFORE = {letter: nasal for nasal, letters in NASALS.items() for letter in letters}

SILENT = "\u0c00\u0c01\u0c04\u200c\u200d"
"""Candrabindu and its kin, no longer spoken; joiners, which only shape the letters."""


def phones(text: str) -> list[str]:
    """Return the sounds of `text`, in NFC, with PAUSE at both ends; [PAUSE] alone where it holds no letter."""
    found, place = [PAUSE], 0
    while place < len(text):
        size, sounds = _next(text, place)
        found += [sound for sound in sounds if sound != PAUSE or found[-1] != PAUSE]
        place += size
    return found if found[-1] == PAUSE else [*found, PAUSE]


def is_telugu(sentences: list[str]) -> bool:
    """Return whether every letter of `sentences` is a Telugu one, so that `phones` gives phones."""
    return all("\u0c00" <= char <= "\u0c7f" for text in sentences for char in text if char.isalpha())


def _next(text: str, place: int) -> tuple[int, tuple[str, ...]]:
    """Return how many characters from `place` on belong together, and their sounds."""
    char, after = text[place], text[place + 1 : place + 2]
    if char in CONSONANTS:
        if after == VIRAMA:
            return 2, (CONSONANTS[char],)
        if after in SIGNS:
            return 2, (CONSONANTS[char], *SIGNS[after])
        return 1, (CONSONANTS[char], INHERENT)
    if char in LETTERS:
        return 1, LETTERS[char]
    if char == ANUSVARA:
        return 1, (NASAL_BEFORE.get(after, "m"),)
    if char == VISARGA:
        return 1, ("h",)
    if char in SILENT or char.isspace():
        return 1, ()
    if char.isalpha():
        size = 1
        while place + size < len(text) and unicodedata.category(text[place + size]).startswith("M"):
            size += 1
        return size, (text[place : place + size].casefold(),)
    return 1, (PAUSE,)
