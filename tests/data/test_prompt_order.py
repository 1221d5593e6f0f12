"""The order of sentences: everything is covered, soonest first, and always the same way."""

import random

import pytest

from telucodec.data.phones import phones
from telucodec.data.prompt_order import Pool, in_order, sound_pairs

SYLLABLES = ["కా", "గి", "చు", "టే", "డో", "తై", "ద", "ను", "పీ", "బె", "మ", "యా", "రు", "లొ", "వే", "శి", "సం", "హా", "ళ్ళ", "క్ష"]


@pytest.fixture
def sentences():
    """Words of two to five syllables, one to five of them in each of 120 sentences, one of them twice as likely."""
    words = ["".join(random.choices(SYLLABLES, weights=range(20, 0, -1), k=random.randint(2, 5))) for _ in range(60)]
    return list(dict.fromkeys(" ".join(random.choices(words, k=random.randint(1, 5))) for _ in range(120)))


def covered_by_sounds(sentences):
    """How many pairs are covered after each sound that was read."""
    counts, pairs = [], set()
    for text in sentences:
        before = len(pairs)
        pairs |= sound_pairs(text)
        counts += [before] * (len(phones(text)) - 2) + [len(pairs)]
    return counts


def test_nothing_is_lost_and_all_is_covered(sentences):
    ordered = in_order(sentences)
    assert sorted(ordered) == sorted(sentences)
    coverage = Pool(sentences).coverage(ordered)
    assert coverage.covered == coverage.total > 100


def test_coverage_grows_sooner_than_in_the_order_of_the_file(sentences):
    ordered, unordered = covered_by_sounds(in_order(sentences)), covered_by_sounds(sentences)
    total = ordered[-1]
    for share in (0.25, 0.5, 0.75, 0.9, 1.0):
        soon, late = (next(at for at, count in enumerate(counts) if count >= share * total) for counts in (ordered, unordered))
        assert soon <= late
    assert sum(ordered) > 1.05 * sum(unordered)


def test_each_sentence_adds_most_for_its_length(sentences):
    ordered, pairs = in_order(sentences), set()
    for place, text in enumerate(ordered):
        gains = [len(sound_pairs(other) - pairs) / max(1, len(phones(other)) - 1) for other in ordered[place:]]
        assert gains[0] == max(gains)
        pairs |= sound_pairs(text)


def test_the_order_is_the_same_each_time_and_equals_keep_the_order_of_the_file(sentences):
    assert in_order(sentences) == in_order(sentences)
    assert in_order(["కమ", "గమ", "కమ గమ", "12", "కమ", "?"]) == in_order(["కమ", "గమ", "కమ గమ", "12", "కమ", "?"])
    assert in_order(["12", "34"]) == ["12", "34"]
    assert in_order([]) == []


def test_coverage_says_what_was_counted():
    assert str(Pool(["కమ", "గమ"]).coverage(["కమ"])) == "5 of 7 pairs of neighbouring sounds"
    assert str(Pool(["ab"]).coverage([])) == "0 of 3 pairs of neighbouring letters"
    assert Pool(["ab"]).coverage(["xyz"]).covered == 0
