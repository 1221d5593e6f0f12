"""MUSHRA scores are what can be worked out by hand, and screening follows the Recommendation to the letter."""

import math

import numpy as np
import pytest
from made_up_sessions import key, mushra

from telucodec.evaluation.listening.scores import holm_corrected, mushra_scores, wilcoxon_p
from telucodec.metrics.metric import Measured

pytest.importorskip("scipy", reason="scipy is not installed: pip install 'telucodec[eval]'")


def of(scores, name):
    return next(system for system in scores.systems if system.name == name)


def test_means_and_medians_follow_the_names_through_the_numbering_of_each_clip():
    told = key("ours", "opus", "reference", "low")
    sessions = [
        mushra(told, "a", ours=[80, 60], opus=[50, 30], reference=100, low=10),
        mushra(told, "b", ours=[90, 90], opus=[40, 20], reference=95, low=[20, 30]),
    ]
    scores = mushra_scores(told, sessions)
    assert [system.name for system in scores.systems] == ["reference", "ours", "opus", "low"]
    assert (of(scores, "ours").overall.mean, of(scores, "ours").overall.median) == (80, 85)
    assert [found.mean for found in of(scores, "opus").by_clip] == [45, 25]
    assert "5 values" in of(scores, "ours").overall.low.reason  # of two listeners
    (difference,) = scores.differences
    assert (difference.first, difference.second, difference.mean) == ("ours", "opus", 45)
    assert "5 values" in difference.high.reason
    assert math.isnan(difference.p.value) and math.isnan(difference.p_holm.value)  # two who agree: 2 of 2^2 sign patterns


@pytest.mark.parametrize("num_listeners", range(1, 6))
def test_fewer_listeners_than_could_reach_a_twentieth_have_no_p_value(num_listeners):
    found = wilcoxon_p(np.arange(1.0, num_listeners + 1))
    assert math.isnan(found.value) and f"with {num_listeners} listener" in found.reason


@pytest.mark.parametrize("num_listeners", range(6, 11))
def test_when_all_agree_the_p_value_is_two_sign_patterns_of_all(num_listeners):
    differences = np.arange(1.0, num_listeners + 1)
    assert wilcoxon_p(differences).value == pytest.approx(2 / 2**num_listeners)
    assert wilcoxon_p(-differences).value == pytest.approx(2 / 2**num_listeners)


def test_the_p_value_is_the_share_of_sign_patterns_as_extreme():
    differences = np.array([3.0, -1.0, 4.0, 5.0, -2.0, 9.0, 6.0])
    ranks = np.argsort(np.argsort(np.abs(differences))) + 1
    signs = 2 * ((np.arange(2**7)[:, None] >> np.arange(7)) & 1) - 1
    found = np.abs(signs @ ranks) >= abs(np.sign(differences) @ ranks)
    assert wilcoxon_p(differences).value == pytest.approx(found.mean())


def test_no_difference_anywhere_has_no_p_value():
    for same in (np.zeros(6), np.array([0.1 + 0.2 - 0.3, *np.zeros(6)])):  # a rounding error is no opinion
        found = wilcoxon_p(same)
        assert math.isnan(found.value) and found.reason == "no listener rates them differently"


def test_holm_multiplies_the_smallest_most_and_never_falls():
    found = holm_corrected([Measured(0.04), Measured(0.01), Measured(math.nan, "none"), Measured(0.03)])
    assert [value.value for value in found if not value.reason] == pytest.approx([0.09, 0.04, 0.09])
    assert found[2].reason == "none"
    assert holm_corrected([Measured(0.6), Measured(0.7)]) == [Measured(1.0), Measured(1.0)]


@pytest.mark.parametrize(("below", "counted"), [(3, True), (4, False)])
def test_who_misses_the_reference_on_more_than_15_percent_of_clips_is_left_out(below, counted):
    told = key("ours", "reference", "low", num_clips=20)
    careless = mushra(told, "careless", ours=0, reference=[89] * below + [90] * (20 - below), low=0)
    scores = mushra_scores(told, [mushra(told, "good", ours=70, reference=100, low=5), careless])
    assert ("careless" in scores.listeners) == counted
    assert [found.listener for found in scores.screened] == ([] if counted else ["careless"])
    assert of(scores, "ours").overall.mean == (35 if counted else 70)


@pytest.mark.parametrize(("above", "counted"), [(3, True), (4, False)])
def test_who_praises_the_mid_anchor_on_more_than_15_percent_of_clips_is_left_out(above, counted):
    told = key("ours", "reference", "low", "mid", num_clips=20)
    others = [mushra(told, f"good {n}", ours=70, reference=100, low=5, mid=60) for n in range(3)]
    deaf = mushra(told, "deaf", ours=70, reference=100, low=5, mid=[91] * above + [90] * (20 - above))
    scores = mushra_scores(told, [*others, deaf])
    assert ("deaf" in scores.listeners) == counted


def test_a_mid_anchor_that_more_than_a_quarter_praises_counts_against_nobody():
    told = key("ours", "reference", "low", "mid", num_clips=2)
    sessions = [mushra(told, f"praising {n}", ours=70, reference=100, low=5, mid=[95, 60]) for n in range(2)]
    sessions += [mushra(told, f"hearing {n}", ours=70, reference=100, low=5, mid=60) for n in range(5)]
    assert len(mushra_scores(told, sessions).listeners) == 7
    one_of_four = [sessions[0], *sessions[2:5]]
    assert [found.listener for found in mushra_scores(told, one_of_four).screened] == ["praising 0"]


@pytest.mark.parametrize("mid", [(), ("mid",)])
@pytest.mark.parametrize("num_others", [0, 1, 4])
def test_who_rates_everything_100_is_left_out(mid, num_others):
    told = key("ours", "reference", "low", *mid)
    everything = mushra(told, "easy", **dict.fromkeys(("ours", "reference", "low", *mid), 100))
    others = [mushra(told, f"good {n}", ours=70, reference=100, low=5, **dict.fromkeys(mid, 95)) for n in range(num_others)]
    scores = mushra_scores(told, [*others, everything])
    assert [found.listener for found in scores.screened] == ["easy"]
    assert scores.screened[0].reasons[-1] == "rated the low anchor above 90 on 2 of 2 clips, more than 15 %"


def test_a_clip_as_narrow_as_the_low_anchor_counts_against_nobody():
    told = key("ours", "reference", "low", num_clips=2)
    sessions = [mushra(told, f"hearing {n}", ours=70, reference=100, low=[100, 10]) for n in range(3)]
    assert len(mushra_scores(told, sessions).listeners) == 3


def test_nobody_left_gives_no_numbers():
    told = key("ours", "opus", "reference", "low")
    scores = mushra_scores(told, [mushra(told, "a", ours=1, opus=2, reference=3, low=4)])
    assert (scores.systems, scores.differences, scores.listeners) == ((), (), ())
    assert "2 of 2 clips" in scores.screened[0].reasons[0]
