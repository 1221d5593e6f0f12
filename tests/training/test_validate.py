"""What a validation says of a run: one sound that lags is no verdict, what most show is, and what must not be in any."""

import numpy as np
import pytest

from telucodec.metrics.pair import measure_pair
from telucodec.metrics.signs.waves import signs_of_pairs
from telucodec.training.validate import Heard

GAINS = {"wrong gain": 0.5, "collapse to silence": 0.0}


@pytest.fixture
def waves(telugu):
    return np.split(telugu[0, 16_000:80_000].astype(np.float64), 4)


def heard(waves, outputs):
    pairs = [measure_pair(wave, output, str(number)) for number, (wave, output) in enumerate(zip(waves, outputs, strict=True))]
    return Heard(tuple(pairs), np.full((1, 8), 100), 0.0, {}, {}, 50.0)


def cases(signs):
    return [sign.case for sign in signs]


@pytest.mark.parametrize("case", GAINS)
def test_one_sound_that_lags_is_no_verdict_on_the_run(waves, case):
    quietest = min(range(4), key=lambda number: waves[number].std())
    found = heard(waves, [GAINS[case] * wave if number == quietest else wave for number, wave in enumerate(waves)])
    assert cases(signs_of_pairs(found.pairs)) == [case]
    assert found.signs() == ()


@pytest.mark.parametrize("case", GAINS)
def test_what_half_of_the_sounds_show_is_told(waves, case):
    assert cases(heard(waves, [GAINS[case] * wave if number % 2 else wave for number, wave in enumerate(waves)]).signs()) == [case]


def test_one_loud_sound_that_gives_all_of_them_the_wrong_gain_is_told(waves):
    waves = [wave if number else 30 * wave for number, wave in enumerate(waves)]
    assert cases(heard(waves, [wave if number else 0.5 * wave for number, wave in enumerate(waves)]).signs()) == ["wrong gain"]


def test_a_collapse_in_the_first_minutes_is_told(waves):
    rng = np.random.default_rng(0)
    assert cases(heard(waves, [0.1 * wave.std() * rng.normal(0, 1, len(wave)) for wave in waves]).signs()) == ["collapse to silence"]


def test_one_sound_with_nan_or_upside_down_is_told(waves):
    assert cases(heard(waves, [wave if number else wave * np.nan for number, wave in enumerate(waves)]).signs()) == ["not finite"]
    assert cases(heard(waves, [wave if number else -wave for number, wave in enumerate(waves)]).signs()) == ["polarity flipped"]
