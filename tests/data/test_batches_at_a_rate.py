import numpy as np
import pytest

from telucodec.data.batches import Crops


def test_crops_for_a_codec_at_another_rate_are_the_same_sound_at_that_rate():
    times = np.arange(64_000) / 16_000
    samples = (20_000 * np.sin(2 * np.pi * 500 * times)).astype(np.int16)
    plain = Crops(samples, np.array([64_000]), 19_200, 3, seed=1)
    other = Crops(samples, np.array([64_000]), 19_200, 3, seed=1, sample_rate=24_000)
    assert other.batch(7).shape == (3, 1, 28_800)
    assert other.batch_s == plain.batch_s == pytest.approx(3.6)
    np.testing.assert_allclose(other.batch(7)[:, 0, 300:-300:3], plain.batch(7)[:, 0, 200:-200:2], atol=0.02)


def test_crops_are_whole_at_both_rates():
    with pytest.raises(ValueError, match="no whole number"):
        Crops(np.zeros(16_000, np.int16), np.array([16_000]), 321, 1, 0, sample_rate=24_000)
