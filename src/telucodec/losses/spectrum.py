"""Power spectra of waves at several window lengths, and the level of white noise in them.

Spectral losses here put their floor in as noise: where a logarithm or a root needs one, they compare the waves as if each
lay over white noise of a given level. One number then means the same at every window length, in a bin and in a mel band,
and gradients stay finite down to digital silence.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

OVERLAP = 4
"""Windows over each sample: hops of a quarter window, as in both papers that the losses come from."""


class PowerSpectrum(nn.Module):
    """Squared STFT with a Hann window of W samples, divided by the window's energy.

    White noise of unit RMS has an expected power of 1 in every bin. The wave is taken to lie in silence, so any T will do.
    Shapes: wave [B, 1, T] -> power [B, F, W / 2 + 1], F = T // (W / 4) + 1.
    """

    def __init__(self, window: int):
        super().__init__()
        shape = torch.hann_window(window, dtype=torch.float64)
        self.register_buffer("shape", (shape / shape.square().sum().sqrt()).float(), persistent=False)

    def forward(self, wave: Tensor) -> Tensor:
        return _Power.apply(wave[:, 0], self.shape.to(wave.dtype))


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
