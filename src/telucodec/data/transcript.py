"""What a transcript is before it is learned, compared or shared out: one named rule for every text.

Rule `telucodec-text-2`, in this order:
1. Unicode NFC.
2. A Malayalam consonant with virama and ZERO WIDTH JOINER, the old spelling of a chillu, becomes the chillu's own character.
3. Case is folded.
4. What changes how text is drawn and not how it is spoken goes: ZERO WIDTH JOINER and NON-JOINER and other format characters, variation
   selectors and all else that is invisible, enclosing marks. So do apostrophes.
5. Decimal digits of any script become ASCII digits. They are never spelled out, since one number is read in many ways.
6. All else but letters, marks and digits becomes a space, and a mark with nothing before it to stand on goes; spaces are single, none at
   the ends.

`telucodec-text-1` kept invisible marks, enclosing marks, marks with nothing before them and the apostrophe U+02BC.
"""

import unicodedata

RULE = "telucodec-text-2"

ZWJ = "\u200d"
MALAYALAM_VIRAMA = "\u0d4d"
CHILLUS = {"\u0d23": "\u0d7a", "\u0d28": "\u0d7b", "\u0d30": "\u0d7c", "\u0d32": "\u0d7d", "\u0d33": "\u0d7e", "\u0d15": "\u0d7f"}
"""Consonant -> its chillu (Unicode 5.1, chapter 9.9)."""
APOSTROPHES = "'\u2019\u02bc"
INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
    + "".join(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
)
"""Letters and marks of Unicode's Default_Ignorable_Code_Point: variation selectors, the grapheme joiner, fillers."""


def normalised(text: str) -> str:
    """`text` under the rule `telucodec-text-2`; applying it twice changes nothing more."""
    text = unicodedata.normalize("NFC", text)
    for consonant, chillu in CHILLUS.items():
        text = text.replace(consonant + MALAYALAM_VIRAMA + ZWJ, chillu)
    kept = [" "]
    for char in text.casefold():
        category = unicodedata.category(char)
        if char in APOSTROPHES or char in INVISIBLE or category in ("Cf", "Me"):
            continue
        if category == "Nd":
            kept.append(str(unicodedata.digit(char)))
        elif category[0] == "L" or (category[0] == "M" and kept[-1] != " "):
            kept.append(char)
        else:
            kept.append(" ")
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())  # folding may leave NFC


def has_number(text: str) -> bool:
    """Whether `text` holds a digit, a fraction or another number in signs: it is said in one of many ways, none of which is written."""
    return any(unicodedata.category(char)[0] == "N" for char in text)
