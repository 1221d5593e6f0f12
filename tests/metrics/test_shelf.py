"""What every metric on the shelf promises, whatever it measures."""

import math

import numpy as np
import pytest

from telucodec.metrics import METRICS, SHELF, dnsmos, optional, pitch
from telucodec.metrics.metric import NotMeasured


def speech(num_samples: int = 48_000, seed: int = 0) -> np.ndarray:
    """Syllables of a buzz at 120 Hz through two resonances, with noise between them; enough for a voice detector."""
    rng, time_s = np.random.default_rng(seed), np.arange(num_samples) / 16_000
    buzz = sum(np.sin(2 * np.pi * 120 * k * time_s) / k * (1 + 4 * np.exp(-(((120 * k - 600) / 300) ** 2))) for k in range(1, 30))
    syllables = np.clip(np.sin(2 * np.pi * 3 * time_s), 0, None)
    return 0.05 * buzz * syllables + rng.normal(0, 0.002, num_samples)


def hole(metric, reference, estimate) -> str:
    measured = metric.measure(reference, estimate)
    assert math.isnan(measured.value) and measured.reason
    return measured.reason


each = pytest.mark.parametrize("metric", SHELF, ids=METRICS)


@each
def test_names_are_keys_and_words_are_there(metric):
    assert METRICS[metric.name] is metric
    assert metric.label and metric.about.endswith(".")


@each
def test_a_slightly_noisy_copy_is_measured_and_scores_better_than_a_noisy_one(metric):
    clean, disturbance = speech(), np.random.default_rng(9).normal(0, 1, 48_000)
    fine, coarse = (metric.measure(clean, clean + gain * disturbance) for gain in (0.003, 0.1))
    assert (fine.reason, coarse.reason) == ("", "")
    badness = {"higher": lambda value: -value, "lower": lambda value: value, "nearer 100": lambda value: abs(value - 100)}[metric.better]
    assert badness(fine.value) < badness(coarse.value)


@each
def test_a_value_is_the_same_again(metric):
    clean, noisy = speech(), speech() + np.random.default_rng(9).normal(0, 0.02, 48_000)
    assert metric.measure(clean, noisy) == metric.measure(clean, noisy)


@each
def test_a_silent_original_is_a_hole(metric):
    assert "silent" in hole(metric, np.zeros(48_000), speech())
    assert "silent" in hole(metric, np.zeros(48_000), np.zeros(48_000))


@each
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_output_that_is_not_finite_is_a_hole(metric, bad):
    broken = speech()
    broken[100] = bad
    assert "NaN or infinity" in hole(metric, speech(), broken)


@each
def test_unequal_lengths_are_a_slip(metric):
    with pytest.raises(ValueError, match="one length"):
        metric.measure(speech(48_000), speech(47_999))
    with pytest.raises(ValueError, match="one length"):
        metric.measure(speech()[None], speech()[None])


@each
def test_an_empty_clip_is_a_hole(metric):
    assert hole(metric, np.zeros(0), np.zeros(0))


@pytest.mark.parametrize(
    "name", ["pesq", "stoi", "estoi", "visqol", "dnsmos", "f0_error_cents", "voicing_error_percent", "speaker_similarity"]
)
def test_a_clip_of_200_ms_is_too_short_to_listen_to(name):
    assert "too short" in hole(METRICS[name], speech()[:3200], 0.9 * speech()[:3200])


@pytest.mark.parametrize("name", ["pesq", "visqol"])
def test_two_minutes_are_too_long(name):
    long = np.tile(speech(), 40)
    assert "too long" in hole(METRICS[name], long, 0.9 * long)


@pytest.mark.parametrize(
    "name",
    ["si_sdr_db", "correlation", "pesq", "estoi", "visqol", "dnsmos", "f0_error_cents", "voicing_error_percent", "speaker_similarity"],
)
def test_a_silent_output_has_no_score(name):
    assert hole(METRICS[name], speech(), np.zeros(48_000)) == "the output is silent"


@pytest.mark.parametrize("name", ["stoi", "estoi"])
def test_speech_too_sparse_for_stoi_is_a_hole_and_not_the_packages_tiny_number(name):
    wave = np.zeros(16_000)
    wave[8000:10_000] = speech()[8000:10_000]
    assert "louder than silence" in hole(METRICS[name], wave, wave)


def alone(begin: int, end: int) -> np.ndarray:
    """Speech between two samples, silence around it."""
    return np.pad(speech()[begin:end], (begin, 48_000 - end))


QUIET = {
    "a moment of speech": alone(20_000, 21_600),
    "a click": np.eye(1, 48_000, 30_000)[0],
    "a click after a pause that is longer than the first patch": np.pad(speech()[16_000:], (16_000, 0)) + 20 * np.eye(1, 48_000, 30_000)[0],
    "speech far too quiet": 1e-3 * speech(),
}


@pytest.mark.parametrize("original", QUIET.values(), ids=QUIET)
def test_visqol_that_hears_nothing_is_a_hole_and_not_its_highest_score(original):
    assert "nearly silent" in hole(METRICS["visqol"], original, np.random.default_rng(3).normal(0, 0.05, 48_000))


@pytest.mark.parametrize("original", [alone(20_000, 28_000), 0.05 * speech()], ids=["half a second", "speech at -53 dBFS"])
def test_little_and_quiet_speech_is_enough_for_visqol_to_tell_it_from_noise(original):
    measured = METRICS["visqol"].measure(original, np.random.default_rng(3).normal(0, original.std(), 48_000))
    assert measured.reason == "" and measured.value < 2.5


@pytest.mark.parametrize("name", ["pesq", "stoi", "estoi", "dnsmos", "f0_error_cents", "voicing_error_percent"])
def test_a_package_that_is_missing_is_named_with_its_remedy(name, monkeypatch):
    def missing(package):
        raise ImportError(package)

    monkeypatch.setattr(optional, "import_module", missing)
    for loaded in (dnsmos._network, pitch._tracker):
        loaded.cache_clear()
    assert hole(METRICS[name], speech(), speech()) == "not installed: pip install 'telucodec[eval]'"


def test_a_formula_that_gives_no_number_is_a_hole():
    from telucodec.metrics.metric import Metric

    metric = Metric("broken", "Broken", "", 1, "higher", "Never a number.", lambda reference, estimate: math.inf)
    assert "no finite number" in hole(metric, speech(), speech())


def test_an_optional_package_that_is_there_is_itself():
    assert optional.optional("math") is math
    with pytest.raises(NotMeasured, match="not installed"):
        optional.optional("no_such_package_of_any_name")
