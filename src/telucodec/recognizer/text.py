"""Aksharas, the letters of Indic scripts, and one script for related languages.

An akshara is a consonant cluster with its vowel signs: a character with the marks after it, joined to the next letter by a virama
(canonical combining class 9) between them. That is UAX #29's extended grapheme cluster with its rule GB9c for every script that has
a virama; written here because that rule came to Kannada later than to Telugu, and old tables of it would cut the two differently.
"""

import unicodedata
from typing import Literal

from telucodec.data.transcript import CHILLUS, MALAYALAM_VIRAMA, ZWJ

ZWNJ = "\u200c"
VIRAMA_CLASS = 9

Script = Literal["", "devanagari", "bengali", "gujarati", "telugu", "kannada", "malayalam"]
BLOCKS = {"devanagari": 0x0900, "bengali": 0x0980, "gujarati": 0x0A80, "telugu": 0x0C00, "kannada": 0x0C80, "malayalam": 0x0D00}
"""Where blocks of 128 characters begin that Unicode laid out alike, after ISCII: the same sound has the same place in each."""
BLOCK_SIZE = 128


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
    A place that `script` leaves empty, or has a character of another kind at (a rupee mark for Assamese ra), keeps its own.
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
        moved.append(there if unicodedata.category(there)[0] == unicodedata.category(char)[0] else char)
    return unicodedata.normalize("NFC", "".join(moved))


def scripts(text: str) -> dict[str, int]:
    """How many letters of each script are in `text`, by the first word of their Unicode names, such as TELUGU or LATIN."""
    counts: dict[str, int] = {}
    for char in text:
        if unicodedata.category(char)[0] == "L":
            name = unicodedata.name(char, "UNKNOWN").split()[0]
            counts[name] = counts.get(name, 0) + 1
    return counts
