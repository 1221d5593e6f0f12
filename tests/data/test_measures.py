"""Measures of sounds whose values are known in closed form."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
import soundfile

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.fingerprint import duplicates
from telucodec.data.levels import Frames, LevelHistogram
from telucodec.data.measures import measure


def written(path, wave, sample_rate=SAMPLE_RATE):
    """Write wave [T] or [T, C] without rounding."""
    soundfile.write(path, np.asarray(wave, np.float32), sample_rate, "FLOAT")
    return path


def measures_of(tmp_path, wave, sample_rate=SAMPLE_RATE, segment_s=1.0):
    return measure(written(tmp_path / "sound.wav", wave, sample_rate), segment_s)[0]


def sine(hertz, seconds, amplitude=0.5, sample_rate=SAMPLE_RATE):
    return amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * sample_rate)) / sample_rate)


def test_a_sine_has_the_levels_of_a_sine(tmp_path):
    found = measures_of(tmp_path, sine(250, 3) + 0.1)
    assert found.duration_s == 3
    assert found.mean == pytest.approx(0.1, abs=1e-6)
    assert found.std == pytest.approx(0.5 / math.sqrt(2), rel=1e-5)
    assert found.rms == pytest.approx(math.sqrt(0.5**2 / 2 + 0.1**2), rel=1e-5)
    assert (found.minimum, found.maximum) == (pytest.approx(-0.4, abs=1e-4), pytest.approx(0.6, abs=1e-4))
    assert found.peak == found.maximum
    assert found.crest_db == pytest.approx(20 * math.log10(found.peak / found.rms))
    assert found.noise_floor_dbfs == pytest.approx(20 * math.log10(0.5 / math.sqrt(2)), abs=0.5)
    assert found.silent_share == 0


def test_padding_fills_the_last_segment(tmp_path):
    found = measures_of(tmp_path, np.pad(sine(200, 1), (0, 8000)), segment_s=1.0)
    assert found.padding_samples == 8000
    assert found.padding_share == pytest.approx(0.25)
    assert found.silent_share == pytest.approx(1 / 3)
    assert found.padded_silent_share == pytest.approx(0.5)
    assert measures_of(tmp_path, sine(200, 2), segment_s=0.5).padding_samples == 0


def test_clipping_is_counted_in_the_files_own_samples(tmp_path):
    wave = sine(300, 1, 0.5, 44_100)
    for at in (1000, 9000, 20_000):
        wave[at : at + 5] = 1.0
    wave[30_000] = -1.0
    found = measures_of(tmp_path, np.stack([wave, wave], axis=1), 44_100)
    assert found.clipped_share == pytest.approx(16 / 44_100)
    assert found.clipped_runs == 6
    assert (found.sample_rate, found.num_channels, found.codec) == (44_100, 2, "pcm_f32le")


def test_tops_that_were_clipped_and_turned_down_are_flat(tmp_path):
    tone = sine(131, 2, 1.0)
    assert measures_of(tmp_path, 0.3 * tone).flat_runs == 0
    assert measures_of(tmp_path, 0.3 * np.clip(tone, -0.7, 0.7)).flat_runs == pytest.approx(2 * 2 * 131, abs=2)


def test_the_noise_in_a_tone_is_estimated(tmp_path):
    """Bursts of a tone over steady noise: 20 dB stronger on the mean."""
    noise = 0.01 * np.random.standard_normal(8 * SAMPLE_RATE)
    bursts = sine(1000, 8, 0.2) * (np.arange(8 * SAMPLE_RATE) % SAMPLE_RATE < SAMPLE_RATE // 2)
    found = measures_of(tmp_path, noise + bursts)
    assert found.snr_db == pytest.approx(20, abs=1)
    assert found.noise_floor_dbfs == pytest.approx(-40, abs=1)


@pytest.mark.parametrize("sample_rate", [8000, 11_025, 16_000])
def test_bandwidth_is_that_of_the_source(tmp_path, sample_rate):
    noise = 0.1 * np.random.standard_normal(4 * sample_rate)
    noise *= np.arange(len(noise)) % sample_rate < sample_rate // 2  # bursts: steady noise is floor, not sound
    found = measures_of(tmp_path, noise, sample_rate)
    assert found.bandwidth_hz == pytest.approx(sample_rate / 2, rel=0.06)
    if sample_rate < SAMPLE_RATE:
        assert found.edge_db > 40


@pytest.mark.parametrize("mains", [50, 60])
def test_hum_has_its_frequency_and_level(tmp_path, telugu, mains):
    found = measures_of(tmp_path, telugu[0] + sine(mains, telugu.shape[-1] / SAMPLE_RATE, 0.02 * math.sqrt(2)))
    assert found.hum_hz == mains
    assert found.hum_dbfs == pytest.approx(20 * math.log10(0.02), abs=1.5)
    assert not measures_of(tmp_path, telugu[0]).hum_dbfs > -55
    assert json.loads(json.dumps(asdict(found)))["hum_lines"] >= 1


def test_speech_is_voiced_and_noise_and_clicks_are_not(tmp_path, telugu):
    assert measures_of(tmp_path, telugu[0]).speech_share > 0.3
    assert measures_of(tmp_path, 0.1 * np.random.standard_normal(32_000)).speech_share < 0.02
    assert measures_of(tmp_path, 0.5 * (np.random.random(32_000) < 0.001)).speech_share < 0.02


def test_notes_are_held_and_speech_is_not(tmp_path, telugu):
    notes = np.concatenate([sine(hertz, 0.5) + sine(2 * hertz, 0.5, 0.2) for hertz in (220, 262, 330, 294)])
    assert measures_of(tmp_path, notes).sustained_share > 0.6
    assert measures_of(tmp_path, telugu[0]).sustained_share < 0.2


def test_channels_are_compared_before_they_are_mixed(tmp_path):
    tone = sine(200, 1)
    assert measures_of(tmp_path, np.stack([tone, 0.01 * tone], axis=1)).quietest_channel_db == pytest.approx(-40, abs=0.1)
    assert measures_of(tmp_path, np.stack([tone, -tone], axis=1)).mixing_db < -100
    mono = measures_of(tmp_path, tone)
    assert math.isnan(mono.quietest_channel_db)
    assert mono.mixing_db == 0


@pytest.mark.parametrize("num_samples", [1, 100, 5000])
def test_the_shortest_files_have_measures(tmp_path, num_samples):
    found = measures_of(tmp_path, np.full(num_samples, 0.1))
    assert found.duration_s == num_samples / SAMPLE_RATE
    assert found.mean == pytest.approx(0.1)


def test_digital_silence_has_no_ratios(tmp_path):
    found = measures_of(tmp_path, np.zeros(32_000))
    assert found.rms == found.peak == 0
    assert found.silent_share == 1
    assert all(math.isnan(value) for value in (found.crest_db, found.snr_db, found.bandwidth_hz, found.hum_dbfs))


def test_pieces_give_the_frames_of_the_whole():
    wave = np.random.standard_normal(5000).astype(np.float32)
    whole, pieces = Frames(640, 320), Frames(640, 320)
    expected = whole.push(wave)
    found = np.concatenate([pieces.push(piece) for piece in np.split(wave, [7, 650, 651, 3000])])
    np.testing.assert_array_equal(found, expected)
    assert len(expected) == (5000 - 640) // 320 + 1


def test_percentiles_are_those_of_the_levels():
    levels = np.random.uniform(-90, -10, (2000, 3))
    histogram = LevelHistogram(3)
    for part in np.split(levels, 4):
        histogram.add(part)
    np.testing.assert_allclose(histogram.percentile(10), np.percentile(levels, 10, axis=0), atol=0.6)
    assert histogram.share_below(-50) == pytest.approx((levels < -50).mean(), abs=1e-9)


def test_copies_are_found_and_other_speech_is_not(tmp_path, telugu):
    half = telugu.shape[-1] // 2
    first, second = telugu[0, :half], telugu[0, half:]
    sounds = [first, second, 0.2 * first, second[3300:], first + 0.005 * np.random.standard_normal(half)]
    found = list(duplicates(measure(written(tmp_path / f"{place}.wav", wave))[1] for place, wave in enumerate(sounds)))
    assert found == [(2, 0), (3, 1), (4, 0)]
