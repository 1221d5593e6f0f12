"""ABX p-values are exact counts of coin tosses."""

from math import comb

import pytest
from made_up_sessions import abx, key

from telucodec.evaluation.listening.abx import abx_scores, tally

pytest.importorskip("scipy", reason="scipy is not installed: pip install 'telucodec[eval]'")


@pytest.mark.parametrize(("correct", "trials"), [(0, 1), (1, 1), (8, 16), (12, 16), (14, 16), (16, 16), (61, 100)])
def test_the_p_value_counts_the_ways_to_be_as_lucky(correct, trials):
    found = tally([True] * correct + [False] * (trials - correct))
    assert found.p == pytest.approx(sum(comb(trials, k) for k in range(correct, trials + 1)) / 2**trials)
    assert 0 <= found.low <= found.share <= found.high <= 1


def test_the_interval_has_the_closed_form_of_all_correct():
    found = tally([True] * 10)
    assert (found.low, found.high) == (pytest.approx(0.025**0.1), 1)


def test_answers_are_told_by_sound_and_not_by_letter():
    told = key("ours", "opus", "reference", method="abx", against="reference", repeats=4)
    scores = abx_scores(told, [abx(told, "a", 4), abx(told, "b", 1)])
    for system in scores.systems:
        assert (system.overall.correct, system.overall.trials) == (10, 16)
        assert [(found.correct, found.trials) for found in system.by_clip] == [(5, 8), (5, 8)]
        assert [(who, found.correct) for who, found in system.by_listener] == [("a", 8), ("b", 2)]
    assert [system.name for system in scores.systems] == ["ours", "opus"]
