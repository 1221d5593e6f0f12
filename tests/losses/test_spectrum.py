import math

import pytest
import torch

from telucodec.losses.mel import FULL_SCALES, hz_of, mel_edges, mel_filters, mel_of
from telucodec.losses.spectrum import PowerSpectrum, noise_power


@pytest.mark.parametrize("window", [16, 64, 256])
@pytest.mark.parametrize("samples", [1, 15, 64, 1000, 1003])
def test_power_and_its_gradient_are_those_of_torch_stft(window, samples):
    wave = torch.randn(2, 1, samples, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    ours = PowerSpectrum(window)
    shape = ours.shape.double()
    theirs = torch.stft(wave[:, 0], window, window // 4, window=shape, pad_mode="constant", return_complex=True).abs().square()
    power = ours(wave)
    torch.testing.assert_close(power, theirs.transpose(1, 2))
    weights = torch.rand(power.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad((weights * power).sum(), wave, retain_graph=True)
    (expected,) = torch.autograd.grad((weights.transpose(1, 2) * theirs).sum(), wave)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("window", [64, 1024])
def test_white_noise_has_its_own_power_in_every_bin(window):
    noise = 0.01 * torch.randn(1, 1, 400_000, generator=torch.Generator().manual_seed(0))
    power = PowerSpectrum(window)(noise).mean(1)[0, 1:-1]
    torch.testing.assert_close(power, torch.full_like(power, noise_power(-40)), rtol=0.25, atol=0)


def test_mel_scale_is_htks_and_its_own_inverse():
    assert mel_of(torch.tensor(1000.0)).item() == pytest.approx(1000, abs=0.1)
    frequencies = torch.linspace(0, 8000, 50, dtype=torch.float64)
    torch.testing.assert_close(hz_of(mel_of(frequencies)), frequencies)


def test_mel_edges_are_equally_far_apart_in_mels_from_0_to_half_the_rate():
    edges = mel_edges(16_000, 40)
    assert edges[0] == 0
    assert edges[-1].item() == pytest.approx(8000)
    steps = mel_of(edges).diff()
    torch.testing.assert_close(steps, steps.mean().expand(41))


@pytest.mark.parametrize("window, bands", FULL_SCALES)
def test_mel_filters_partition_the_spectrum_between_first_and_last_peak(window, bands):
    filters, edges = mel_filters(16_000, window, bands), mel_edges(16_000, bands)
    frequency = torch.linspace(0, 8000, window // 2 + 1)
    inside = (frequency >= edges[1]) & (frequency <= edges[-2])
    torch.testing.assert_close(filters.sum(0)[inside], torch.ones(int(inside.sum())))
    assert (filters >= 0).all()
    assert (filters.sum(1) > 0).all()


def test_mel_filters_are_triangles_that_peak_where_they_should():
    edges = mel_edges(16_000, 10)
    filters = mel_filters(16_000, 16_384, 10)  # bins closer than 1 Hz
    frequency = torch.linspace(0, 8000, 8193)
    for band, row in enumerate(filters):
        low, peak, high = edges[band : band + 3].tolist()
        assert frequency[row.argmax()].item() == pytest.approx(peak, abs=1)
        assert row.max().item() == pytest.approx(1, abs=0.02)
        assert row[(frequency <= low) | (frequency >= high)].max() < 1e-6
        for foot in (low, high):  # straight sides: half-way up is half-way along
            assert row[round((foot + peak) / 2 / 8000 * 8192)].item() == pytest.approx(0.5, abs=0.02)
        assert row.sum().item() * 8000 / 8192 == pytest.approx((high - low) / 2, rel=0.01)


def test_a_tone_is_loudest_in_its_own_band():
    time, edges = torch.arange(16_000) / 16_000, mel_edges(16_000, 40)
    for band in (5, 20, 38):
        tone = torch.sin(2 * math.pi * edges[band + 1] * time).float()[None, None]
        power = PowerSpectrum(1024)(tone).mean(1)[0]
        assert (mel_filters(16_000, 1024, 40) @ power).argmax() == band
