"""The complex STFT as an image of two channels, the way the STFT discriminators look at a wave."""

import torch
from torch import Tensor, nn

from telucodec.models.precision import in_float32


class ComplexSpectrum(nn.Module):
    """Hann windows of W samples over the root of the window's energy, hop W / 4, in float32 whatever autocast says.

    White noise of unit RMS has a power of 1 in every bin. Shapes: wave [B, 1, T] -> real and imaginary part [B, 2, F, W / 2 + 1].
    """

    def __init__(self, window: int):
        super().__init__()
        shape = torch.hann_window(window)
        self.register_buffer("shape", shape / shape.square().sum().sqrt(), persistent=False)

    def forward(self, wave: Tensor) -> Tensor:
        window = len(self.shape)
        with in_float32(wave):
            wave = wave[:, 0].float()
            spectrum = torch.stft(wave, window, window // 4, window=self.shape, pad_mode="constant", return_complex=True)
            return torch.view_as_real(spectrum).permute(0, 3, 2, 1)
