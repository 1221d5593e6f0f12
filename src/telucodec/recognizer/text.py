"""What a transcript is before it is learned or compared: one named rule for every text, and aksharas, the letters of Indic scripts.

Rule `telucodec-text-1`, in this order:
1. Unicode NFC.
2. A Malayalam consonant with virama and ZERO WIDTH JOINER, the old spelling of a chillu, becomes the chillu's own character.
3. ZERO WIDTH JOINER and NON-JOINER, which change how conjuncts are drawn and not how they are spoken, and other format characters go.
4. Case is folded.
5. Decimal digits of any script become ASCII digits. They are never spelled out, since one number is read in many ways.
6. All else but letters, marks and digits becomes a space; apostrophes go; spaces are single, none at the ends.

An akshara is a consonant cluster with its vowel signs: a character with the marks after it, joined to the next letter by a virama
(canonical combining class 9) between them. That is UAX #29's extended grapheme cluster with its rule GB9c for every script that has
a virama; written here because that rule came to Kannada later than to Telugu, and old tables of it would cut the two differently.
"""

import unicodedata
from typing import Literal

RULE = "telucodec-text-1"

ZWJ, ZWNJ = "\u200d", "\u200c"
MALAYALAM_VIRAMA = "\u0d4d"
CHILLUS = {"\u0d23": "\u0d7a", "\u0d28": "\u0d7b", "\u0d30": "\u0d7c", "\u0d32": "\u0d7d", "\u0d33": "\u0d7e", "\u0d15": "\u0d7f"}
"""Consonant -> its chillu (Unicode 5.1, chapter 9.9)."""
APOSTROPHES = "'\u2019\u02bc"
VIRAMA_CLASS = 9

Script = Literal["", "devanagari", "bengali", "gujarati", "telugu", "kannada", "malayalam"]
BLOCKS = {"devanagari": 0x0900, "bengali": 0x0980, "gujarati": 0x0A80, "telugu": 0x0C00, "kannada": 0x0C80, "malayalam": 0x0D00}
"""Where blocks of 128 characters begin that Unicode laid out alike, after ISCII: the same sound has the same place in each."""
BLOCK_SIZE = 128


def normalised(text: str) -> str:
    """`text` under the rule `telucodec-text-1`; applying it twice changes nothing more."""
    text = unicodedata.normalize("NFC", text)
    for consonant, chillu in CHILLUS.items():
        text = text.replace(consonant + MALAYALAM_VIRAMA + ZWJ, chillu)
    kept = []
    for char in text.casefold():
        category = unicodedata.category(char)
        if category == "Nd":
            kept.append(str(unicodedata.digit(char)))
        elif category[0] in "LM":
            kept.append(char)
        elif category != "Cf" and char not in APOSTROPHES:
            kept.append(" ")
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())  # folding may leave NFC


def aksharas(text: str) -> list[str]:
    """`text` cut into aksharas; joined they are `text` again. A space is one of its own."""
    found: list[str] = []
    joins = False
    for char in text:
        mark = unicodedata.category(char)[0] == "M" or char in (ZWJ, ZWNJ)
        letter = unicodedata.category(char) == "Lo"
        if found and found[-1] != " " and (mark or (joins and letter)):
            found[-1] += char
        else:
            found.append(char)
        joins = unicodedata.combining(char) == VIRAMA_CLASS or (joins and char == ZWJ)
    return found


def in_script(text: str, script: Script) -> str:
    """`text` with the letters of other scripts of BLOCKS at the same place in the block of `script`; all else, and "", as it is.

    One alphabet for related languages: what is learned of a sound in one serves the other. A chillu is written as consonant and virama.
    A place that `script` leaves empty keeps its own character.
    """
    if not script:
        return text
    if script != "malayalam":
        for consonant, chillu in CHILLUS.items():
            text = text.replace(chillu, consonant + MALAYALAM_VIRAMA)
    moved = []
    for char in text:
        place, block = ord(char) % BLOCK_SIZE, ord(char) - ord(char) % BLOCK_SIZE
        there = chr(BLOCKS[script] + place) if block in BLOCKS.values() else char
        moved.append(there if unicodedata.category(there) != "Cn" else char)
    return unicodedata.normalize("NFC", "".join(moved))


def scripts(text: str) -> dict[str, int]:
    """How many letters of each script are in `text`, by the first word of their Unicode names, such as TELUGU or LATIN."""
    counts: dict[str, int] = {}
    for char in text:
        if unicodedata.category(char)[0] == "L":
            name = unicodedata.name(char, "UNKNOWN").split()[0]
            counts[name] = counts.get(name, 0) + 1
    return counts
