"""Signs in logged numbers, codebooks and the course of training; the relation they rest on, and what the notes got wrong."""

import math

import numpy as np
import pytest

from telucodec.metrics.pair import measure_pair
from telucodec.metrics.signs.codebooks import perplexity, signs_of_codebooks
from telucodec.metrics.signs.history import Point, signs_of_history
from telucodec.metrics.signs.logged import implied_correlation, signs_of_numbers
from telucodec.metrics.signs.sign import correlation_of


def cases(signs):
    return [sign.case for sign in signs]


@pytest.mark.parametrize("share, gain", [(0.0, 0.5), (0.5, 1.0), (3.0, -0.2)])
def test_snr_and_amplitude_imply_the_correlation_of_the_waves(share, gain):
    rng = np.random.default_rng(0)
    reference, other = rng.normal(0, 1, (2, 20_000))
    output = gain * reference + share * other
    pair = measure_pair(0.1 * (reference - reference.mean()), 0.1 * (output - output.mean()))
    assert correlation_of(pair.snr_db.value, pair.amplitude_percent.value / 100) == pytest.approx(pair.correlation.value)


@pytest.mark.parametrize(
    "snr_db, amplitude_percent, expected",
    [
        (-0.9, 12, ["collapse to silence"]),
        (-0.06, 12, ["collapse to silence"]),
        (0.0, 0, ["collapse to silence"]),
        (0.1, 5, ["collapse to silence"]),  # no gradient through the quantizer: it could have 0.3 dB, and hides in silence
        (-0.2, 24, ["collapse to silence"]),  # the founding recipe, half way down
        (0.4, 29, []),  # the best guess at 0.4 dB
        (0.5, 21, []),  # a preset in its first minutes, on its way to 5.5 dB
        (0.7, 24, []),
        (-0.9, 48, ["waveform not followed"]),  # the notes' logs: correlation 0 and nothing learned
        (-3.0, 100, ["waveform not followed"]),
        (-6.02, 100, ["polarity flipped"]),
        (0.92, 10, ["wrong gain"]),  # an exact copy at a tenth of the level
        (-9.54, 400, ["wrong gain"]),
        (20.0, 50, ["numbers disagree"]),
        (-1e9, 50, ["numbers disagree"]),
        (3.0, 0, ["numbers disagree"]),
        (math.nan, 100, ["not finite"]),
        (10.0, math.inf, ["not finite"]),
        (15.0, 98, []),
        (2.0, 61, []),
        (30.0, 100, []),
        (5.0, 115, []),
    ],
)
def test_two_logged_numbers_are_read(snr_db, amplitude_percent, expected):
    assert cases(signs_of_numbers(snr_db, amplitude_percent)) == expected


@pytest.mark.parametrize("snr_db", [0.3, 1, 2, 5, 10, 20, 30])
def test_the_best_guess_at_any_snr_is_healthy(snr_db):
    assert signs_of_numbers(snr_db, 100 * math.sqrt(1 - 10 ** (-snr_db / 10))) == ()


def test_negative_snr_alone_is_not_called_bad_quality():
    (sign,) = signs_of_numbers(-3.0, 100)
    assert "can sound good" in sign.threshold and "cannot tell" in sign.causes


def test_rounding_is_reckoned_with():
    here, least, most = implied_correlation(-0.9, 12)
    assert least < here < most and here == pytest.approx(-0.90, abs=0.005)
    assert all(math.isnan(value) for value in implied_correlation(0.0, 0.0))
    assert signs_of_numbers(40.0, 100) == ()  # a correlation of 1 to within the digits


def test_a_codebook_of_one_code_is_dead_and_one_without_any_is_not_used():
    counts = np.random.default_rng(0).poisson(50, (4, 256))
    assert signs_of_codebooks(counts) == ()
    counts[1] = 0
    counts[1, 7] = 10_000
    counts[3] = 0
    dead, unused = signs_of_codebooks(counts)
    assert (dead.case, dead.where) == ("dead codebook", ("codebook 1",))
    assert (unused.case, unused.where) == ("codebook not used", ("codebook 3",))


def test_few_codes_are_told_once_enough_were_counted():
    counts = np.zeros((1, 1024))
    counts[0, :20] = 1000
    assert cases(signs_of_codebooks(counts)) == ["few codes used"]
    assert signs_of_codebooks(counts / 1000) == ()  # 20 draws can show no more than 20 codes


def test_as_few_draws_as_are_judged_show_that_enough_codes_are_used():
    draws = np.random.default_rng(0).geometric(1 / 60, 1024) - 1  # a perplexity of 162 of 1024 codes
    counts = np.bincount(draws, minlength=1024)[None]
    assert signs_of_codebooks(counts) == ()


def test_perplexity_is_the_number_of_codes_in_even_use():
    counts = np.zeros((3, 8))
    counts[0, :4] = 5
    counts[1, 2] = 9
    assert perplexity(counts)[:2] == pytest.approx([4, 1])
    assert math.isnan(perplexity(counts)[2])


@pytest.mark.parametrize("counts", [np.ones(4), np.full((2, 4), -1), np.full((2, 4), np.nan)])
def test_counts_of_another_shape_are_a_slip(counts):
    with pytest.raises(ValueError, match=r"\[K, N\]"):
        signs_of_codebooks(counts)


def course(losses, snrs, amplitudes, correlations=None):
    correlations = correlations or [math.nan] * len(losses)
    return [
        Point(loss, correlation, snr, level) for loss, correlation, snr, level in zip(losses, correlations, snrs, amplitudes, strict=True)
    ]


def test_the_snr_that_creeps_up_to_0_is_the_collapse_and_no_learning():
    amplitudes = [48, 40, 30, 20, 12, 6]
    snrs = [-10 * math.log10(1 + (level / 100) ** 2) for level in amplitudes]  # of a correlation of 0
    assert snrs[0] == pytest.approx(-0.9, abs=0.01)  # where the notes began
    found = cases(signs_of_history(course([1.0, 0.9, 0.8, 0.7, 0.65, 0.6], snrs, amplitudes)))
    assert found == ["loss falls, nothing is learned", "SNR creeps up to 0 dB"]


def test_learning_shows_no_sign():
    snrs = [-0.5, 1.0, 3.0, 5.0, 7.0, 8.0]
    amplitudes = [40, 50, 70, 80, 88, 90]
    assert signs_of_history(course([1.0, 0.8, 0.6, 0.5, 0.4, 0.35], snrs, amplitudes)) == ()


def test_a_loss_that_falls_while_the_correlation_stays_0_is_named():
    points = course([2.0, 1.5, 1.2, 1.0], [-3.0] * 4, [100] * 4, [0.01, -0.02, 0.03, 0.0])
    assert cases(signs_of_history(points)) == ["loss falls, nothing is learned"]
    assert signs_of_history(course([2.0, 1.9, 2.0, 1.9], [-3.0] * 4, [100] * 4, [0.0] * 4)) == ()


def test_what_was_not_logged_is_no_sign():
    assert signs_of_history([Point(loss) for loss in (2.0, 1.5, 1.0, 0.5)]) == ()
    assert signs_of_history([]) == () and signs_of_history([Point()]) == ()


@pytest.mark.parametrize("broken", [Point(math.nan, 0.5, 5.0, 90), Point(math.inf, 0.5, 5.0, 90), Point(0.8, 0.5, -math.inf, 90)])
def test_a_loss_that_turns_nan_is_told_with_its_place(broken):
    (sign,) = signs_of_history([Point(1.0, 0.4, 4.0, 80), broken])
    assert sign.case == "not finite" and "validation 2 of 2" in sign.measured
