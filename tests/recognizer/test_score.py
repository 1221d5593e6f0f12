"""Errors counted, with intervals and confusions."""

import math
import tracemalloc

import pytest

pytest.importorskip("jiwer")

from telucodec.recognizer.score import Errors, confusions, error_rates, errors_of, guesses, most_wrong, rates_of


def test_errors_are_counted_as_by_hand():
    errors = errors_of("a b c d", "a x c")
    assert (errors.words, errors.word_errors) == (4, 2)
    assert (errors.characters, errors.character_errors) == (7, 3)


def test_what_was_put_in_counts_too():
    errors = errors_of("a b", "a x b c")
    assert (errors.word_errors, errors.character_errors) == (2, 4)
    assert ("", "x", 1) in confusions(["ab"], ["axb"])


def test_nothing_heard_is_every_character_lost():
    assert error_rates(["ab cd", "ef"], ["", ""]).cer == 1.0


def test_rates_are_pooled_and_lie_in_their_intervals():
    said = ["a b c d e f g h i j"] * 20
    heard = ["a b c d e f g h i j"] * 15 + ["x"] * 5
    rates = error_rates(said, heard)
    assert rates.wer == pytest.approx(0.25) and rates.exact == 0.75
    assert rates.wer_interval[0] < rates.wer < rates.wer_interval[1]


def test_the_interval_is_the_one_of_95_percent():
    low, high = error_rates(["a"] * 400, ["a"] * 300 + ["x"] * 100).wer_interval
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(0.25 * 0.75 / 400), rel=0.08)


def test_intervals_of_many_clips_take_little_memory():
    errors = [Errors(10, number % 7, 60, number % 31) for number in range(20_000)]
    tracemalloc.start()
    rates = rates_of(errors)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6 and rates.wer_interval[0] < rates.wer < rates.wer_interval[1]


def test_intervals_are_the_same_however_many_resamples_are_held(monkeypatch):
    errors = [errors_of("a b c d", heard) for heard in ("a b", "a b c d", "x y", "a b c e") * 9]
    at_once = rates_of(errors)
    monkeypatch.setattr("telucodec.recognizer.score.MOST_DRAWN", 100)
    assert rates_of(errors) == at_once


def test_speakers_who_differ_widen_the_interval():
    said, heard = ["a b c d"] * 200, (["a b c d"] * 10 + ["x"] * 10) * 10
    errors = [errors_of(*pair) for pair in zip(said, heard, strict=True)]
    by_clip = rates_of(errors).wer_interval
    by_speaker = rates_of(errors, [f"s{number // 10}" for number in range(200)]).wer_interval
    assert by_speaker[1] - by_speaker[0] > 1.5 * (by_clip[1] - by_clip[0])


def test_no_clips_have_no_rate():
    rates = error_rates([], [])
    assert math.isnan(rates.wer) and math.isnan(rates.cer_interval[0])


@pytest.mark.parametrize("heard", ["", "x", "a b"])
def test_clips_of_one_rate_have_no_interval(heard):
    rates = error_rates(["a b", "a b", "a b"], [heard] * 3)
    assert all(math.isnan(end) for end in (*rates.wer_interval, *rates.cer_interval))


def test_clips_that_differ_in_letters_alone_have_an_interval_of_letters_alone():
    rates = error_rates(["ab", "ab", "ab"], ["ax", "xx", "ax"])
    assert math.isnan(rates.wer_interval[0]) and rates.cer_interval[0] < rates.cer < rates.cer_interval[1]


def test_of_clips_without_error_so_many_may_be_wrong_that_none_was_seen_in_one_of_twenty_tests():
    assert most_wrong(38) == pytest.approx(0.0758, abs=1e-4)
    assert all((1 - most_wrong(count)) ** count == pytest.approx(0.05) for count in (1, 10, 1000))


def test_confusions_are_of_aksharas():
    found = confusions(["వస్తున్నాడు", "వస్తున్నాడు"], ["వస్తునాడు", "వస్తునాడు"])
    assert found[0] == ("న్నా", "నా", 2)


def test_guesses_at_letters_are_as_long_as_what_was_said():
    assert [len(text) for text in guesses(["abc", "de"], ["abab"])] == [3, 2]
