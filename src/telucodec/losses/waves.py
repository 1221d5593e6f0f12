"""What losses compare: a batch of waves with their references, and power spectra that are worked out once for all who look at them.

Spectral losses here put their floor in as noise: where a logarithm or a root needs one, they compare the waves as if each
lay over white noise of a given level. One number then means the same at every window length, in a bin and in a mel band,
and gradients stay finite down to digital silence.
"""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from telucodec.audio.mel import mel_means
from telucodec.errors import TelucodecError

OVERLAP = 4
"""Windows over each sample: hops of a quarter window, as in both papers that the losses come from."""


class Waves:
    """References and estimates, float32 [B, 1, T]; no gradient reaches the references. Raises ValueError for other shapes."""

    def __init__(self, reference: Tensor, estimate: Tensor):
        if reference.ndim != 3 or reference.shape[1] != 1 or reference.shape != estimate.shape:
            raise ValueError(f"a loss compares two batches [B, 1, T], not {list(reference.shape)} and {list(estimate.shape)}")
        self.reference, self.estimate = reference.detach().float(), estimate.float()
        self._powers: dict[int, tuple[Tensor, Tensor]] = {}

    def powers(self, window: int) -> tuple[Tensor, Tensor]:
        """`power_spectrum` of references and of estimates."""
        if window not in self._powers:
            self._powers[window] = power_spectrum(self.reference, window), power_spectrum(self.estimate, window)
        return self._powers[window]


def power_spectrum(wave: Tensor, window: int) -> Tensor:
    """Squared STFT with a Hann window of W samples, divided by the window's energy.

    White noise of unit RMS has an expected power of 1 in every bin. The wave is taken to lie in silence, so any T will do.
    Shapes: wave [B, 1, T] -> power [B, F, W / 2 + 1], F = T // (W / 4) + 1.
    """
    return _Power.apply(wave[:, 0], hann(window, wave.dtype, wave.device))


@cache
def hann(window: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Hann window [W] of unit energy."""
    shape = torch.hann_window(window, dtype=torch.float64)
    return (shape / shape.square().sum().sqrt()).to(device, dtype)


class _Power(torch.autograd.Function):
    """|rfft(windowed frames)|^2 with its gradient written out: half the time of what autograd makes of torch.stft, which
    copies between layouts and goes back through a full complex transform. It has no second derivative."""

    @staticmethod
    def forward(ctx, wave: Tensor, shape: Tensor) -> Tensor:
        window = len(shape)
        frames = functional.pad(wave, (window // 2, window // 2)).unfold(-1, window, window // OVERLAP)  # [B, F, W]
        spectrum = torch.fft.rfft(frames * shape)
        ctx.save_for_backward(spectrum, shape)
        ctx.length = wave.shape[-1]
        return spectrum.real.square() + spectrum.imag.square()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        spectrum, shape = ctx.saved_tensors
        window, hop = len(shape), len(shape) // OVERLAP
        # d/dx_n of sum_k g_k |X_k|^2 is sum_k 2 g_k Re(X_k e^(2 pi i k n / W)) over half the bins; irfft doubles all but the outer two
        product = spectrum * gradient
        product[..., 0] *= 2
        product[..., -1] *= 2
        frames = torch.fft.irfft(product, n=window, norm="forward") * shape  # [B, F, W]
        wave = frames.new_zeros(len(frames), frames.shape[1] + OVERLAP - 1, hop)
        for quarter, piece in enumerate(frames.split(hop, dim=-1)):
            wave[:, quarter : quarter + frames.shape[1]] += piece
        return wave.flatten(1)[:, window // 2 : window // 2 + ctx.length], None


def noise_power(level_db: float) -> float:
    """Power in every bin of white noise with an RMS of `level_db` dB of full scale."""
    return 10 ** (level_db / 10)


def band_means(sample_rate: int, window: int, bands: int) -> Tensor:
    """Filters [W / 2 + 1, M] that turn the powers of a window into means of mel bands. Raises TelucodecError where it is too short for so many."""
    try:
        return torch.from_numpy(mel_means(sample_rate, window, bands).T).float().contiguous()
    except ValueError as error:
        raise TelucodecError(f"loss over mel bands: {error}; use fewer") from error
