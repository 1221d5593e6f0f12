"""Best path, prefix beam search and the language model."""

import itertools
import json
import math

import numpy as np
import pytest

from telucodec.errors import ModelError
from telucodec.recognizer.decode import BeamConfig, beam_search, best_path, log_probs_of, placed, words
from telucodec.recognizer.features import FeatureConfig
from telucodec.recognizer.ngram import NGram
from telucodec.recognizer.units import Units


def log_probs(shape, seed=0):
    scores = np.random.default_rng(seed).normal(size=shape)
    return (scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))).astype(np.float32)


def test_repeats_and_blanks_go_and_a_blank_parts_equals():
    path = [0, 1, 1, 0, 1, 2, 2, 0]
    said = best_path(np.log(np.eye(3)[path] + 1e-9))
    assert said.numbers == (1, 1, 2)
    assert said.steps == (1, 4, 5)


@pytest.mark.parametrize("lm", [None, NGram.of([[1, 2, 1], [2]], 3, 3)], ids=["no language model", "one of no weight"])
def test_a_wide_beam_finds_the_likeliest_text_over_all_paths(lm):
    for seed in range(5):
        probs = log_probs((5, 3), seed).astype(np.float64)
        totals = {}
        for path in itertools.product(range(3), repeat=5):
            text = tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)
            totals[text] = np.logaddexp(totals.get(text, -np.inf), sum(probs[step, symbol] for step, symbol in enumerate(path)))
        said = beam_search(probs, lm, BeamConfig(width=500, symbols=3, least_log_prob=-np.inf, lm_weight=0.0))
        best = max(totals, key=totals.get)
        assert said.numbers == best
        assert said.score == pytest.approx(totals[best], abs=1e-6)


def test_sentences_are_as_likely_as_all_their_paths_together():
    sentences = [(), (1,), (2,), (1, 1), (1, 2), (2, 2), (1, 2, 1), (1, 1, 1)]
    probs = log_probs((4, 3)).astype(np.float64)
    totals = dict.fromkeys(sentences, -np.inf)
    for path in itertools.product(range(3), repeat=4):
        text = tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)
        if text in totals:
            totals[text] = np.logaddexp(totals[text], sum(probs[step, symbol] for step, symbol in enumerate(path)))
    found = log_probs_of(probs, [np.array(sentence, int) for sentence in sentences])
    np.testing.assert_allclose(found, [totals[sentence] for sentence in sentences])
    assert found[-1] == -np.inf


def test_the_language_model_decides_what_sounds_alike():
    units = Units(kind="characters", symbols=(" ", "a", "b", "c"))
    lm = NGram.of([units.encode("ab").tolist()] * 20, 3, units.size)
    probs = np.full((2, 5), 1e-4)
    probs[0, 2] = 1
    probs[1, 3], probs[1, 4] = 0.49, 0.51  # c a little likelier than b
    said = np.log(probs / probs.sum(axis=1, keepdims=True))
    assert units.decode(best_path(said).numbers) == "ac"
    assert units.decode(beam_search(said, lm, BeamConfig(lm_weight=0.5)).numbers) == "ab"


def test_a_symbol_is_placed_where_it_is_likeliest_and_not_where_the_search_first_thought_of_it():
    probs = np.full((100, 2), [1 - 1.5e-3, 1.5e-3])
    probs[80] = 0.01, 0.99
    for said in (best_path(np.log(probs)), beam_search(np.log(probs), None), beam_search(np.log(probs), NGram.of([[1]], 2, 2))):
        assert said.numbers == (1,) and said.steps == (80,)


def test_the_language_model_knows_where_sentences_end():
    units = Units(kind="characters", symbols=(" ", "a", "b", "c"))
    lm = NGram.of([units.encode(text).tolist() for text in ("ab", "aca") * 20], 3, units.size)  # as often b as c after a
    probs = np.full((2, 5), 1e-4)
    probs[0, 2] = 1
    probs[1, 3], probs[1, 4] = 0.49, 0.51
    said = np.log(probs / probs.sum(axis=1, keepdims=True))
    assert units.decode(beam_search(said, lm).numbers) == "ab"


@pytest.mark.parametrize(
    "path, sentence, steps",
    [([0, 1, 1, 0, 2], [1, 2], [1, 4]), ([1, 1, 1, 2], [1, 1, 2], [0, 2, 3]), ([1, 1, 0, 1, 2], [1, 1, 2], [0, 3, 4]), ([0], [], [])],
)
def test_symbols_of_a_sentence_are_placed_where_they_begin(path, sentence, steps):
    assert placed(np.log(np.eye(3)[path] + 1e-9), np.array(sentence, int)) == steps


def test_probabilities_after_any_prefix_sum_to_one():
    lm = NGram.of([[1, 2, 1], [2, 2], [3]], 3, 5)
    for prefix in ([], [1], [1, 2], [4, 4, 4], [3, 1, 2]):
        assert math.fsum(math.exp(lm.log_prob(prefix, symbol)) for symbol in range(5)) == pytest.approx(1)


def test_a_model_that_is_asked_for_long_remembers_no_more(monkeypatch):
    prefixes = list(itertools.product(range(1, 5), repeat=2))
    alone = [NGram.of([[1, 2, 1], [2, 2]], 3, 5).log_prob(prefix, 2) for prefix in prefixes]
    monkeypatch.setattr("telucodec.recognizer.ngram.MOST_KNOWN", 3)
    lm = NGram.of([[1, 2, 1], [2, 2]], 3, 5)
    assert [lm.log_prob(prefix, 2) for prefix in prefixes] == alone and len(lm.known) <= 3


def test_a_model_of_a_sentence_expects_it():
    lm = NGram.of([[1, 2, 3, 4]], 4, 20)
    assert lm.perplexity([[1, 2, 3, 4]]) < 3 < lm.perplexity([[4, 3, 2, 1]])


def test_a_language_model_is_the_same_from_its_file(tmp_path):
    lm = NGram.of([[1, 2, 1], [2, 2]], 3, 4)
    lm.save(tmp_path / "lm.json")
    again = NGram.load(tmp_path / "lm.json", 4)
    assert again.counts == lm.counts and again.log_prob([1], 2) == lm.log_prob([1], 2)
    with pytest.raises(ModelError, match="5 units"):
        NGram.load(tmp_path / "lm.json", 5)
    (tmp_path / "lm.json").write_text('{"format": "telucodec n-gram 1", "order": 3, "size": 4, "counts": [1]}')
    with pytest.raises(ModelError, match="no language model"):
        NGram.load(tmp_path / "lm.json", 4)


@pytest.mark.parametrize("change", [{"order": 2.5}, *({"counts": {"": {"1": count}}} for count in (math.inf, 10**400, 1.5, True, 0))])
def test_a_language_model_of_odd_numbers_is_refused_in_one_line(tmp_path, change):
    NGram.of([[1, 2, 1]], 2, 4).save(tmp_path / "lm.json")
    content = json.loads((tmp_path / "lm.json").read_text())
    (tmp_path / "lm.json").write_text(json.dumps(content | change))
    with pytest.raises(ModelError, match="build it again"):
        NGram.load(tmp_path / "lm.json", 4)


def test_words_have_the_times_of_their_symbols():
    units = Units(kind="characters", symbols=(" ", "a", "b"))
    path = np.zeros(30, int)
    path[[5, 7]] = 2, 3
    path[10] = 1
    path[20] = 2
    found = words(best_path(np.log(np.eye(4)[path] + 1e-9)), units, FeatureConfig(), offset_s=1.0)
    assert [(word.text, word.start_s, word.end_s) for word in found] == [("ab", 1.2, 1.32), ("a", 1.8, 1.84)]
