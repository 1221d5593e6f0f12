"""Metrics with a formula, against what the formula must give."""

import math

import numpy as np
import pytest

from telucodec.metrics import METRICS
from telucodec.metrics.snr import energy, pooled_snr_db

SAMPLE_RATE = 16_000


def noise(seed: int, num_samples: int = 32_000) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, num_samples)


def value(name: str, reference: np.ndarray, estimate: np.ndarray) -> float:
    measured = METRICS[name].measure(reference, estimate)
    assert measured.reason == ""
    return measured.value


def test_a_polarity_flip_is_minus_6_db():
    assert value("snr_db", noise(0), -noise(0)) == pytest.approx(-20 * math.log10(2))


def test_silence_for_speech_is_exactly_0_db_and_0_percent():
    assert value("snr_db", noise(0), np.zeros(32_000)) == 0.0
    assert value("amplitude_percent", noise(0), np.zeros(32_000)) == 0.0


def test_a_short_delay_ruins_the_snr_of_a_low_tone():
    tone = np.sin(2 * np.pi * 250 * np.arange(16_000) / SAMPLE_RATE)  # 64 samples a period, so 8 samples are an eighth
    assert value("snr_db", tone[8:-56], tone[:-64]) == pytest.approx(-10 * math.log10(4 * math.sin(math.pi / 8) ** 2), abs=0.01)


@pytest.mark.parametrize("snr", [-5.0, 0.0, 14.13, 40.0])
def test_noise_of_known_power_gives_that_snr(snr):
    signal, disturbance = noise(1), noise(2)
    disturbance *= np.sqrt(energy(signal) / energy(disturbance)) * 10 ** (-snr / 20)
    assert value("snr_db", signal, signal + disturbance) == pytest.approx(snr)


def test_powers_of_the_founding_notes_are_14_db():
    assert pooled_snr_db(0.0607, 0.00235) == pytest.approx(14.13, abs=0.01)  # 24.12 was claimed


def test_zero_padding_leaves_the_snr_alone():
    signal, output = noise(1), noise(1) + 0.2 * noise(2)
    padded = [np.pad(wave, (1000, 30_000)) for wave in (signal, output)]
    assert value("snr_db", *padded) == pytest.approx(value("snr_db", signal, output))


@pytest.mark.parametrize("gain", [0.01, 0.5, 3.0, -1.0])
def test_si_sdr_does_not_hear_a_gain(gain):
    signal, output = noise(1), noise(1) + 0.3 * noise(2)
    assert value("si_sdr_db", signal, gain * output) == pytest.approx(value("si_sdr_db", signal, output))


def test_si_sdr_of_orthogonal_noise_is_the_snr():
    signal, disturbance = noise(1), 0.1 * noise(2)
    disturbance -= (disturbance @ signal) / (signal @ signal) * signal
    output = signal + disturbance
    assert value("si_sdr_db", signal, output) == pytest.approx(value("snr_db", signal, output))
    assert value("si_sdr_db", signal, output) > 0  # the sign that others got wrong


def test_half_the_level_is_50_percent_6_db_and_correlation_1():
    signal = noise(1)
    assert value("amplitude_percent", signal, 0.5 * signal) == pytest.approx(50)
    assert value("snr_db", signal, 0.5 * signal) == pytest.approx(20 * math.log10(2))
    assert value("correlation", signal, 0.5 * signal) == pytest.approx(1)
    assert value("correlation", signal, -0.5 * signal) == pytest.approx(-1)


@pytest.mark.parametrize("share", [0.0, 0.3, 2.0])
def test_correlation_follows_from_snr_and_amplitude(share):
    signal, output = noise(1) - noise(1).mean(), 0.7 * noise(1) + share * noise(2)
    output -= output.mean()
    s, a = value("snr_db", signal, output), value("amplitude_percent", signal, output) / 100
    assert value("correlation", signal, output) == pytest.approx((1 + a**2 - 10 ** (-s / 10)) / (2 * a))


def test_an_mse_optimal_decoder_loses_level():
    signal, disturbance = noise(1, 1_000_000), noise(2, 1_000_000)
    output = 0.8 * (signal + 0.5 * disturbance)  # 0.8 = 1 / (1 + 0.25), the gain of least error
    expected = 100 * math.sqrt(1 - 10 ** (-value("snr_db", signal, output) / 10))
    assert value("amplitude_percent", signal, output) == pytest.approx(expected, rel=0.01)


def test_an_equal_output_has_no_finite_snr():
    measured = METRICS["snr_db"].measure(noise(1), noise(1))
    assert math.isnan(measured.value) and "infinite" in measured.reason


def test_a_constant_output_has_no_correlation():
    measured = METRICS["correlation"].measure(noise(1), np.full(32_000, 0.3))
    assert math.isnan(measured.value) and "constant" in measured.reason
