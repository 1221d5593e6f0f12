"""What a validation says of a run: one sound that lags is no verdict, what most show is, and what must not be in any; and what it logs is what was measured."""

import math
from itertools import pairwise

import numpy as np
import pytest

from telucodec.metrics.pair import measure_pair
from telucodec.metrics.signs.waves import signs_of_pairs
from telucodec.training.launch import MOST_VALIDATION_S, MOST_VALIDATION_SOUNDS
from telucodec.training.recipe import preset_of, shipped
from telucodec.training.validate import Heard, evenly

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


@pytest.mark.parametrize("name", shipped("presets"))
def test_a_validation_is_long_enough_to_tell_of_every_preset_that_few_codes_are_used(name):
    model = preset_of(name)
    frames = round(MOST_VALIDATION_SOUNDS * MOST_VALIDATION_S * model.frame_rate)
    counts = np.zeros((1, model.quantizer.codebook_size))
    counts[0, :20] = frames / 20
    assert cases(Heard((), counts, 0.0, {}, {}, 50.0).signs()) == ["few codes used"]


def counted(counts, waves=()):
    return Heard(tuple(measure_pair(*pair) for pair in waves), np.array(counts), 0.5, {"mel": 0.25}, {}, 50.0)


def test_bits_are_those_of_the_codebooks_sizes_and_at_best_those_of_their_use():
    even, one = np.ones(16, int), np.eye(16, dtype=int)[3]
    for counts, entropy_kbps in (([even, even], 0.4), ([even, one], 0.2), ([one, one], 0.0)):
        found = counted(counts)
        assert (found.kbps, found.entropy_kbps) == pytest.approx((0.4, entropy_kbps))  # 2 codes of 4 bits, 50 times a second


def test_few_sounds_tell_nearly_what_a_coder_that_knows_all_of_them_could_reach():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(1024), 6)
    known_kbps = -np.sum(shares * np.log2(shares)) * 50 / 1000
    found = counted([np.bincount(rng.choice(1024, 2000, p=share), minlength=1024) for share in shares])  # 40 s of sound
    assert found.entropy_kbps == pytest.approx(known_kbps, rel=0.025)


def test_an_entry_holds_what_is_known_of_the_waves_and_codes():
    reference = np.tile([0.5, -0.5], 8000)
    entry = counted([[5, 5, 0, 0], [1, 1, 1, 1]], [(reference, 0.5 * reference + 0.1)] * 2).entry()
    noise_power = 0.25**2 + 0.1**2
    snr_db = 10 * math.log10(0.25 / noise_power)
    assert (entry["loss"], entry["loss_mel"], entry["kbps"]) == pytest.approx((0.5, 0.25, 0.2))
    assert (entry["signal_power"], entry["noise_power"], entry["snr_db"]) == pytest.approx((0.25, noise_power, snr_db))
    assert entry["snr_db_per_file"] == pytest.approx({"min": snr_db, "mean": snr_db, "max": snr_db})
    assert (entry["input_range"], entry["output_range"]) == ((-0.5, 0.5), pytest.approx((-0.15, 0.35)))
    assert (entry["input_mean"], entry["input_std"], entry["output_mean"], entry["output_std"]) == pytest.approx((0, 0.5, 0.1, 0.25))
    assert (entry["codes_used"], entry["perplexity"]) == ([0.5, 1.0], pytest.approx([2, 4]))
    assert entry["correlation"] == pytest.approx(1) and entry["kbps_entropy"] == pytest.approx(0.05 * (3 + 1 / (20 * math.log(2))))


@pytest.mark.parametrize("count, most", [(159, 150), (160, 150), (301, 150), (7, 3), (3, 7), (150, 150), (0, 5)])
def test_as_many_as_asked_are_chosen_from_the_first_on_with_gaps_of_one_size(count, most):
    chosen = evenly(range(count), most)
    gaps = [second - first for first, second in pairwise([*chosen, count])]
    assert len(gaps) == len(chosen) == min(count, most)
    assert not chosen or (chosen[0] == 0 and 1 <= min(gaps) and max(gaps) <= min(gaps) + 1)
