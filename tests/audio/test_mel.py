"""Mel bands."""

import numpy as np
import pytest

from telucodec.audio.mel import FULL_SCALES, hz_of, mel_edges, mel_filters, mel_means, mel_of


def test_mel_scale_is_htks_and_its_own_inverse():
    assert mel_of(1000.0) == pytest.approx(1000, abs=0.1)
    frequencies = np.linspace(0, 8000, 50)
    np.testing.assert_allclose(hz_of(mel_of(frequencies)), frequencies, atol=1e-9)


def test_mel_edges_are_equally_far_apart_in_mels_from_0_to_half_the_rate():
    edges = mel_edges(16_000, 40)
    assert edges[0] == 0
    assert edges[-1] == pytest.approx(8000)
    steps = np.diff(mel_of(edges))
    np.testing.assert_allclose(steps, np.full(41, steps.mean()))


@pytest.mark.parametrize("window, bands", FULL_SCALES)
def test_mel_filters_partition_the_spectrum_between_first_and_last_peak(window, bands):
    filters, edges = mel_filters(16_000, window, bands), mel_edges(16_000, bands)
    frequency = np.linspace(0, 8000, window // 2 + 1)
    inside = (frequency >= edges[1]) & (frequency <= edges[-2])
    np.testing.assert_allclose(filters.sum(0)[inside], 1)
    assert np.all(filters >= 0)
    np.testing.assert_allclose(mel_means(16_000, window, bands).sum(1), 1)


def test_mel_filters_are_triangles_that_peak_where_they_should():
    edges = mel_edges(16_000, 10)
    filters = mel_filters(16_000, 16_384, 10)  # bins closer than 1 Hz
    frequency = np.linspace(0, 8000, 8193)
    for band, row in enumerate(filters):
        low, peak, high = edges[band : band + 3]
        assert frequency[row.argmax()] == pytest.approx(peak, abs=1)
        assert row.max() == pytest.approx(1, abs=0.02)
        assert row[(frequency <= low) | (frequency >= high)].max() < 1e-6
        for foot in (low, high):  # straight sides: half-way up is half-way along
            assert row[round((foot + peak) / 2 / 8000 * 8192)] == pytest.approx(0.5, abs=0.02)
        assert row.sum() * 8000 / 8192 == pytest.approx((high - low) / 2, rel=0.01)


def test_a_tone_is_loudest_in_its_own_band():
    time, edges = np.arange(1024) / 16_000, mel_edges(16_000, 40)
    for band in (5, 20, 38):
        power = np.square(np.abs(np.fft.rfft(np.hanning(1024) * np.sin(2 * np.pi * edges[band + 1] * time))))
        assert (mel_filters(16_000, 1024, 40) @ power).argmax() == band


def test_bands_too_many_for_a_window_are_refused():
    with pytest.raises(ValueError, match="apart"):
        mel_means(16_000, 64, 40)
