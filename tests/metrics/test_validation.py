"""What a validation logs: pooled numbers agree with waves put end to end, holes have reasons."""

import math

import numpy as np
import pytest

from telucodec.metrics import METRICS
from telucodec.metrics.pair import measure_pair
from telucodec.metrics.validation import Validation


@pytest.fixture(scope="module")
def waves(telugu) -> list[tuple[np.ndarray, np.ndarray]]:
    """Three stretches of speech at three levels, with more and less noise; without mean, so that pooling is exact."""
    rng, found = np.random.default_rng(0), []
    for at, level, noise in ((0, 1.0, 0.02), (30_000, 0.1, 0.001), (60_000, 0.3, 0.05)):
        reference = level * telugu[0, at : at + 30_000].astype(np.float64)
        estimate = 0.8 * reference + noise * rng.normal(0, 1, 30_000)
        found.append((reference - reference.mean(), estimate - estimate.mean()))
    return found


@pytest.fixture(scope="module")
def validation(waves) -> Validation:
    return Validation([measure_pair(*pair, str(number)) for number, pair in enumerate(waves)])


@pytest.mark.parametrize("name", ["snr_db", "amplitude_percent", "correlation"])
def test_pooled_numbers_are_those_of_the_waves_end_to_end(validation, waves, name):
    together = [np.concatenate(side) for side in zip(*waves, strict=True)]
    assert getattr(validation, name).value == pytest.approx(METRICS[name].measure(*together).value)


def test_powers_give_the_snr(validation):
    signal, noise = validation.signal_power.value, validation.noise_power.value
    assert 10 * math.log10(signal / noise) == pytest.approx(validation.snr_db.value)


def test_the_spread_is_over_single_pairs(validation, waves):
    values = [METRICS["snr_db"].measure(*pair).value for pair in waves]
    assert validation.spread("snr_db") == (min(values), pytest.approx(np.mean(values)), max(values), 3)


def test_ranges_and_moments_are_those_of_the_waves(validation, waves):
    assert validation.range_of("estimate") == (min(y.min() for _, y in waves), max(y.max() for _, y in waves))
    for pair, (reference, estimate) in zip(validation.pairs, waves, strict=True):
        assert (pair.reference.std, pair.estimate.mean) == (reference.std(), estimate.mean())
        assert pair.noise_power == pytest.approx(np.mean((reference - estimate) ** 2))


def test_zero_padding_leaves_the_pooled_snr_alone(validation, waves):
    padded = Validation([measure_pair(*(np.pad(wave, (0, 9000)) for wave in pair)) for pair in waves])
    assert padded.snr_db.value == pytest.approx(validation.snr_db.value)


def test_one_pair_with_nan_makes_the_whole_a_hole_with_its_reason(waves):
    broken = waves[0][1].copy()
    broken[7] = np.nan
    found = Validation([measure_pair(*waves[1]), measure_pair(waves[0][0], broken)])
    for measured in (found.snr_db, found.amplitude_percent, found.correlation, found.signal_power, found.noise_power):
        assert math.isnan(measured.value) and measured.reason == "1 of 2 pairs hold NaN or infinity"
    assert math.isnan(found.range_of("estimate")[0])


def test_nothing_plausible_of_silence_or_of_nothing(waves):
    silence = Validation([measure_pair(np.zeros(8000), np.zeros(8000))])
    for found, reason in ((silence, "silent"), (Validation([]), "no pairs")):
        for name in ("snr_db", "amplitude_percent", "correlation"):
            measured = getattr(found, name)
            assert math.isnan(measured.value) and reason in measured.reason
    assert math.isnan(silence.spread("snr_db")[1]) and silence.spread("snr_db")[3] == 0
