"""Multi-scale STFT discriminator (EnCodec, arXiv:2210.13438, section 3.4 and figure 2): the default, one judge per window."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from telucodec.models.discriminators.complex_spectrum import ComplexSpectrum
from telucodec.models.discriminators.judge import ConvStack, Judges, same_conv


class STFTDiscriminatorConfig(BaseModel):
    """2-d convolutions over the complex STFT at several window lengths (EnCodec, arXiv:2210.13438, section 3.4)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["stft"] = "stft"
    windows: Annotated[tuple[Annotated[int, Field(ge=16, multiple_of=4)], ...], Field(min_length=1)] = (1024, 512, 256)
    """Window lengths in samples. The paper has 2048 to 128 at 24 kHz; the outer two cost two fifths of the time."""
    width: Annotated[int, Field(ge=1)] = 32
    """Channels of every hidden layer."""
    dilations: tuple[Annotated[int, Field(ge=1)], ...] = (1, 2, 4)
    """Dilation in time of each layer that halves the frequencies."""

    def build(self) -> Judges:
        return Judges(STFTJudge(window, self.width, self.dilations) for window in self.windows)


class STFTJudge(nn.Module):
    """Kernels of 3 frames by 9 bins. Shapes: wave [B, 1, T] -> logits [B, 1, F, bins], activations [B, width, F, bins] of each layer."""

    def __init__(self, window: int, width: int, dilations: tuple[int, ...]):
        super().__init__()
        self.spectrum = ComplexSpectrum(window)
        halving = [same_conv(width, width, (3, 9), (1, 2), dilation) for dilation in dilations]
        self.hidden = ConvStack([same_conv(2, width, (3, 9)), *halving, same_conv(width, width, (3, 3))], slope=0.2)
        self.last = weight_norm(same_conv(width, 1, (3, 3)))

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = self.hidden(self.spectrum(wave))
        return self.last(features[-1]), features
