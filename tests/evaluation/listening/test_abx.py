"""ABX p-values are exact counts of coin tosses; intervals say what other listeners would answer."""

from math import comb

import numpy as np
import pytest
from made_up_sessions import abx, key

from telucodec.evaluation.listening.abx import abx_scores, pooled, tally

pytest.importorskip("scipy", reason="scipy is not installed: pip install 'telucodec[eval]'")


@pytest.mark.parametrize(("correct", "trials"), [(0, 1), (1, 1), (8, 16), (12, 16), (14, 16), (16, 16), (61, 100)])
def test_the_p_value_counts_the_ways_to_be_as_lucky(correct, trials):
    found = tally([True] * correct + [False] * (trials - correct))
    assert found.p == pytest.approx(sum(comb(trials, k) for k in range(correct, trials + 1)) / 2**trials)
    assert 0 <= found.low.value <= found.share <= found.high.value <= 1


def test_the_interval_has_the_closed_form_of_all_correct():
    found = tally([True] * 10)
    assert (found.low.value, found.high.value) == (pytest.approx(0.025**0.1), 1)


def test_answers_are_told_by_sound_and_not_by_letter():
    told = key("ours", "opus", "reference", method="abx", against="reference", repeats=4)
    scores = abx_scores(told, [abx(told, "a", 4), abx(told, "b", 1)])
    for system in scores.systems:
        assert (system.overall.correct, system.overall.trials) == (10, 16)
        assert [(found.correct, found.trials) for found in system.by_clip] == [(5, 8), (5, 8)]
        assert [(who, found.correct) for who, found in system.by_listener] == [("a", 8), ("b", 2)]
    assert [system.name for system in scores.systems] == ["ours", "opus"]


def interval(found):
    return found.low.value, found.high.value


def test_the_interval_holds_the_share_of_all_listeners_where_half_hear_and_half_guess():
    rng, num_held, num_tests = np.random.default_rng(0), 0, 60
    for _ in range(num_tests):
        able = rng.random(10) < 0.5
        low, high = interval(pooled([list(rng.random(16) < (1.0 if hears else 0.5)) for hears in able]))
        num_held += low <= 0.75 <= high
    assert num_held >= 0.85 * num_tests


def test_listeners_of_equal_shares_do_not_make_it_certain():
    right = [True] * 4
    assert interval(pooled([right] * 6)) == interval(tally(right * 6)) and interval(tally(right * 6))[0] < 0.9


def test_fewer_than_five_listeners_have_no_interval_together_and_each_their_own():
    told = key("ours", "reference", method="abx", against="reference", repeats=4)
    (system,) = abx_scores(told, [abx(told, name, 3) for name in "abcd"]).systems
    assert "5 values, not 4" in system.overall.low.reason and "5 values, not 4" in system.by_clip[0].high.reason
    assert all(not found.low.reason for _, found in system.by_listener)


def test_p_values_of_several_systems_are_corrected_as_those_of_mushra():
    told = key("ours", "opus", "reference", method="abx", against="reference", repeats=4)
    scores = abx_scores(told, [abx(told, "a", 3)])
    assert [system.p_holm for system in scores.systems] == pytest.approx([2 * system.overall.p for system in scores.systems])
    alone = key("ours", "reference", method="abx", against="reference", repeats=4)
    (system,) = abx_scores(alone, [abx(alone, "a", 3)]).systems
    assert system.p_holm == system.overall.p
