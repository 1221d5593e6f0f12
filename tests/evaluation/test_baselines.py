"""Opus must be at its best here: aligned, counted without a container, near its published scores."""

import numpy as np
import pytest

from telucodec.evaluation.baselines.opus import EARLY_SAMPLES, decode_opus, encode_opus, opus, payload_bytes
from telucodec.metrics import METRICS


def lag(reference: np.ndarray, estimate: np.ndarray) -> int:
    """Samples by which `estimate` [T] comes after `reference` [T], by the peak of their cross-correlation."""
    size = 2 * len(reference)
    product = np.fft.rfft(estimate, size) * np.conj(np.fft.rfft(reference, size))
    peak = int(np.argmax(np.fft.irfft(product, size)))
    return peak if peak < size // 2 else peak - size


def mean_si_sdr_db(waves, kbps, application="voip") -> float:
    decoded = [decode_opus(encode_opus(wave, kbps, application)) for wave in waves]
    measured = [METRICS["si_sdr_db"].measure(wave[0], output[0]) for wave, output in zip(waves, decoded, strict=True)]
    return float(np.mean([found.value for found in measured]))


@pytest.mark.parametrize("kbps", [6, 8, 12, 24, 96])
@pytest.mark.parametrize("application", ["voip", "audio"])
def test_no_delay_is_left(waves, kbps, application):
    for wave in waves:
        assert lag(wave[0], decode_opus(encode_opus(wave, kbps, application))[0]) == 0


@pytest.mark.parametrize("kbps, coding", [(6, "narrow"), (8, "narrow"), (9, "wide"), (24, "wide"), (96, "celt")])
@pytest.mark.parametrize("application", ["voip", "audio"])
def test_no_shift_of_two_48_khz_samples_gives_a_better_snr(waves, application, kbps, coding, monkeypatch):
    clips = [encode_opus(wave, kbps, application) for wave in waves]
    assert {clip.coding for clip in clips} == {coding}
    found = {}
    for shift in (-2, 0, 2):
        early = EARLY_SAMPLES[application][coding] + shift
        with monkeypatch.context() as patch:
            patch.setitem(EARLY_SAMPLES[application], coding, early)
            snrs = [METRICS["snr_db"].measure(wave[0], decode_opus(clip)[0]).value for wave, clip in zip(waves, clips, strict=True)]
        found[shift] = float(np.mean(snrs))
    assert max(found, key=found.get) == 0, found


@pytest.mark.parametrize("num_samples", [0, 1, 319, 320, 321, 3200, 16_001])
def test_the_length_comes_back(num_samples):
    wave = np.random.default_rng(0).normal(0, 0.1, (1, num_samples)).astype(np.float32)
    output = decode_opus(encode_opus(wave, 12))
    assert output.shape == wave.shape and output.dtype == np.float32


def test_quality_is_in_the_region_others_measured(waves):
    assert 6.5 < mean_si_sdr_db(waves, 12) < 9.5  # 7.8 on other Telugu clips
    assert 15 < mean_si_sdr_db(waves, 24, "audio")


def test_more_bits_are_better_and_variable_rate_stays_below_its_target(waves):
    found = []
    for kbps in (8, 12, 24):
        clips = [encode_opus(wave, kbps, "audio") for wave in waves]
        found.append(8 * sum(map(payload_bytes, clips)) / sum(wave.shape[-1] / 16_000 for wave in waves) / 1000)
        assert 0.4 * kbps < found[-1] < 1.1 * kbps
    assert found == sorted(found)
    assert mean_si_sdr_db(waves, 24, "audio") > mean_si_sdr_db(waves, 12, "audio")


def test_only_packets_are_counted(waves):
    clip = encode_opus(waves[0], 12)
    contender = opus(12)
    assert contender.num_bytes(contender.encode(waves[0])) == sum(len(packet) for packet in clip.packets)


def test_names_tell_the_applications_apart():
    assert (opus(12).name, opus(12, "audio").name) == ("opus_12", "opus_audio_12")
    assert opus(12).family != opus(12, "audio").family
