"""Delay, polarity, gain, speed, contour and clicks, each against signals made to have them."""

import numpy as np
import pytest
import soxr

from telucodec.metrics.alignment import align, follow
from telucodec.metrics.clicks import find_clicks
from telucodec.metrics.contour import contour_correlation
from telucodec.metrics.metric import NotMeasured
from telucodec.metrics.speed import find_speed


@pytest.fixture(scope="module")
def speech(telugu) -> np.ndarray:
    return telugu[0, :48_000].astype(np.float64)


def shifted(wave, delay):
    return np.pad(wave, (max(delay, 0), max(-delay, 0)))[max(-delay, 0) :][: len(wave)]


@pytest.mark.parametrize("delay", [-3000, -17, -1, 0, 1, 8, 480, 4000])
@pytest.mark.parametrize("gain", [0.3, -2.0])
def test_delay_polarity_and_gain_are_found_as_they_were_made(speech, delay, gain):
    found = align(speech, gain * shifted(speech, delay))
    assert (found.delay, np.sign(found.correlation)) == (delay, np.sign(gain))
    assert found.gain == pytest.approx(abs(gain), rel=1e-6)
    assert abs(found.correlation) == pytest.approx(1)


def test_a_delay_is_followed_where_it_changes_and_stays_where_it_does_not(speech):
    jumping = np.insert(shifted(speech, 100), 32_000, np.zeros(60))[: len(speech)]
    found = follow(speech, jumping, align(speech, jumping))
    assert {delay for at_s, delay in found.delays if at_s < 1.5} == {100} and {delay for at_s, delay in found.delays if at_s >= 2} == {160}
    assert found.change == 60 and found.won_db > 6
    late = shifted(speech, 100) + 0.02 * np.random.default_rng(0).normal(0, 1, len(speech))
    assert follow(speech, late, align(speech, late)).won_db < 0.5


def test_a_silent_or_constant_wave_has_no_alignment(speech):
    for wave, reason in ((np.zeros(48_000), "silent"), (np.full(48_000, 0.1), "constant"), (np.zeros(0), "silent")):
        with pytest.raises(NotMeasured, match=reason):
            align(speech[: len(wave)], wave)


@pytest.mark.parametrize("speed", [0.5, 2 / 3, 2.0, 44_100 / 48_000])
def test_speech_at_another_rate_is_found_at_its_speed(speech, speed):
    fast = soxr.resample(speech, speed, 1.0)[: len(speech)]
    fast = np.pad(fast, (0, len(speech) - len(fast)))
    found, correlation = find_speed(speech, fast)
    assert found == pytest.approx(speed) and correlation > 0.95


def test_the_contour_follows_noise_with_the_levels_of_speech_and_not_other_noise(speech):
    noise = np.random.default_rng(1).normal(0, 1, len(speech))
    level = np.sqrt(np.convolve(speech**2, np.ones(320) / 320, "same"))
    assert contour_correlation(speech, 0.1 * speech) == pytest.approx(1, abs=0.01)
    assert contour_correlation(speech, level * noise) > 0.6
    assert abs(contour_correlation(speech, 0.1 * noise)) < 0.1


def test_the_contour_of_a_moment_is_not_measured(speech):
    with pytest.raises(NotMeasured, match="too short"):
        contour_correlation(speech[20_000:24_000], speech[20_000:24_000])


@pytest.mark.parametrize("period", [800, 8000])
def test_clicks_are_found_at_their_distance_and_nowhere_else(speech, period):
    clean = speech + 0.003 * np.random.default_rng(2).normal(0, 1, len(speech))
    clicking = clean.copy()
    clicking[period::period] += 0.1
    assert find_clicks(speech, clean).count == 0
    found = find_clicks(speech, clicking)
    assert found.period == period and found.count >= 0.6 * len(speech) // period


def test_clicks_at_random_places_are_no_boundaries(speech):
    clicking = speech + 0.003 * np.random.default_rng(2).normal(0, 1, len(speech))
    clicking[np.random.default_rng(3).integers(0, len(speech), 12)] += 0.1
    assert find_clicks(speech, clicking).count == 0


def test_a_few_clicks_on_a_fine_grid_are_no_boundaries(speech):
    clicking = speech + 0.003 * np.random.default_rng(2).normal(0, 1, len(speech))
    clicking[[6400, 7040, 19_200, 32_000]] += 0.1  # at multiples of 640, where 71 more are quiet
    assert find_clicks(speech, clicking).count == 0
