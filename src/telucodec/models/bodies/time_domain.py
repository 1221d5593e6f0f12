"""Convolutions on the waveform itself: residual units between strided convolutions down to latent frames, and the mirror image back.

After SoundStream (arXiv:2107.03312, section III) with DAC's Snake (arXiv:2306.06546, section 3.1).
"""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from telucodec.models.bodies.body import Body
from telucodec.models.causal import Causal, Chain, Tanh
from telucodec.models.layers import CausalConv1d, CausalConvTranspose1d, Snake, residual_unit

DILATIONS = (1, 3, 9)


class TimeDomainConfig(BaseModel):
    """Encoder and decoder in the time domain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["time-domain"] = "time-domain"
    channels: Annotated[int, Field(ge=1, le=1024)] = 24
    """Of the first layer; each stride doubles them."""
    strides: Annotated[tuple[Annotated[int, Field(ge=1, le=64)], ...], Field(min_length=1, max_length=8)] = (2, 4, 5, 8)
    """Their product is the hop length."""
    latent_dim: Annotated[int, Field(ge=1, le=4096)] = 64
    tanh: bool = True
    """Whether the output is kept within full scale by tanh."""

    @property
    def hop(self) -> int:
        return math.prod(self.strides)

    def build(self) -> Body:
        widths = [self.channels << stage for stage in range(len(self.strides) + 1)]
        encoder: list[Causal] = [CausalConv1d(1, widths[0], kernel_size=7)]
        for stride, narrow, wide in zip(self.strides, widths, widths[1:], strict=False):
            encoder += [residual_unit(narrow, dilation) for dilation in DILATIONS]
            encoder += [Snake(narrow), CausalConv1d(narrow, wide, kernel_size=2 * stride, stride=stride)]
        encoder += [Snake(widths[-1]), CausalConv1d(widths[-1], self.latent_dim, kernel_size=3)]
        decoder: list[Causal] = [CausalConv1d(self.latent_dim, widths[-1], kernel_size=7)]
        for stride, narrow, wide in reversed(list(zip(self.strides, widths, widths[1:], strict=False))):
            decoder += [Snake(wide), CausalConvTranspose1d(wide, narrow, stride)]
            decoder += [residual_unit(narrow, dilation) for dilation in DILATIONS]
        decoder += [Snake(widths[0]), CausalConv1d(widths[0], 1, kernel_size=7, gain=0.3)]
        return Body(Chain(*encoder), Chain(*decoder, *([Tanh()] if self.tanh else [])), self.hop, delay=0)
