"""Log-mel frames."""

import numpy as np
import pytest
from pydantic import ValidationError

from telucodec.audio.mel import slaney_bands
from telucodec.recognizer.features import LOWEST_HZ, FeatureConfig


def test_frames_are_as_many_as_stated(telugu):
    config = FeatureConfig()
    for size in (1, 159, 160, 161, 16_000, 31_999):
        assert config.apply_to(telugu[0, :size]).shape == (config.num_frames(size), config.num_bands)


def test_level_changes_nothing(telugu):
    config = FeatureConfig()
    np.testing.assert_allclose(config.apply_to(telugu[0]), config.apply_to(0.1 * telugu[0]), atol=1e-3)


def test_silence_is_finite():
    assert np.isfinite(FeatureConfig().apply_to(np.zeros(16_000, np.float32))).all()


def test_a_tone_is_loudest_in_the_band_of_its_frequency():
    bands = slaney_bands(16_000, 512, 64, LOWEST_HZ)
    wave = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000) * np.linspace(0, 1, 16_000)
    power = np.abs(np.fft.rfft(wave[8000:8512] * np.hanning(512))) ** 2
    centre = np.flatnonzero(bands[:, 32] > 0)  # bin 32 is 1 kHz
    assert int(np.argmax(bands @ power)) in centre


def test_every_band_hears_something():
    assert (slaney_bands(16_000, 512, 64, LOWEST_HZ).sum(axis=1) > 0).all()


def test_a_window_longer_than_the_transform_is_refused():
    assert FeatureConfig(window=512).apply_to(np.zeros(1600, np.float32)).shape == (11, 64)
    with pytest.raises(ValidationError, match="transform must be window or more"):
        FeatureConfig(window=2048)
