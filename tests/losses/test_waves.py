import pytest
import torch

from telucodec.losses.waves import hann, noise_power, power_spectrum


@pytest.mark.parametrize("window", [16, 64, 256])
@pytest.mark.parametrize("samples", [1, 15, 64, 1000, 1003])
def test_power_and_its_gradient_are_those_of_torch_stft(window, samples):
    wave = torch.randn(2, 1, samples, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    shape = hann(window, wave.dtype, wave.device)
    theirs = torch.stft(wave[:, 0], window, window // 4, window=shape, pad_mode="constant", return_complex=True).abs().square()
    power = power_spectrum(wave, window)
    torch.testing.assert_close(power, theirs.transpose(1, 2))
    weights = torch.rand(power.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad((weights * power).sum(), wave, retain_graph=True)
    (expected,) = torch.autograd.grad((weights.transpose(1, 2) * theirs).sum(), wave)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("window", [64, 1024])
def test_white_noise_has_its_own_power_in_every_bin(window):
    noise = 0.01 * torch.randn(1, 1, 400_000, generator=torch.Generator().manual_seed(0))
    power = power_spectrum(noise, window).mean(1)[0, 1:-1]
    torch.testing.assert_close(power, torch.full_like(power, noise_power(-40)), rtol=0.25, atol=0)
