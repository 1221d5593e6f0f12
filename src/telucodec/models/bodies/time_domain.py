"""Convolutions on the waveform itself: strided convolutions down to latent frames, residual units after each, and the mirror image back.

After SoundStream (arXiv:2107.03312, section III) with DAC's Snake (arXiv:2306.06546, section 3.1). Different from them: the strided convolutions are
linear and can start as a lapped transform, the MDCT of the bands of the one before, so that what the residual units add is learned
around a codec that already has the waveform; and the decoder waits until the transform's overlaps are complete.
"""

import operator
from itertools import accumulate
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from telucodec.models.bodies.body import Body
from telucodec.models.causal import Causal, Chain, Delay, Gain, Tanh
from telucodec.models.layers import CausalConv1d, CausalConvTranspose1d, Snake, residual_unit, start_lapped

DILATIONS = (1, 3, 9)
LEVEL = 20.0
"""Brings speech at -26 dBFS, the level of telephone speech (ITU-T P.56), near 1."""

Width = Annotated[int, Field(ge=1, le=4096)]
Stride = Annotated[int, Field(ge=1, le=64)]


class TimeDomainConfig(BaseModel):
    """Encoder and decoder in the time domain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["time-domain"] = "time-domain"
    strides: Annotated[tuple[Stride, ...], Field(min_length=1, max_length=8)] = (8, 8, 5)
    """Of the encoder's convolutions; their product is the hop length."""
    widths: Annotated[tuple[Width, ...], Field(min_length=1, max_length=8)] = (32, 96, 320)
    """Channels after each of them."""
    latent_dim: Annotated[int, Field(ge=1, le=4096)] = 64
    lapped: bool = True
    """Whether the strided convolutions start as a lapped transform; each width then is at least the product of strides so far."""
    look_ahead: Annotated[int, Field(ge=0, le=63)] = 0
    """Frames by which the output waits beyond the overlaps, so that the decoder has heard what comes next."""
    tanh: bool = True
    """Whether the output is kept within full scale by tanh."""

    @property
    def bands(self) -> tuple[int, ...]:
        """Of the lapped transform after each stride."""
        return tuple(accumulate(self.strides, operator.mul))

    @property
    def hop(self) -> int:
        return self.bands[-1]

    @property
    def delay(self) -> int:
        """Samples, a whole number of frames: the overlaps of all stages, up to the next frame, and then the frames to wait for."""
        return (-(-self.overlaps // self.hop) + self.look_ahead) * self.hop

    @property
    def overlaps(self) -> int:
        """Samples by which the lapped transform lags: at every stage one of its own hops."""
        return sum(self.bands)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.widths) != len(self.strides):
            raise ValueError(f"{len(self.strides)} strides need as many widths, not {len(self.widths)}")
        if self.lapped and any(width < bands for width, bands in zip(self.widths, self.bands, strict=True)):
            raise ValueError(f"a lapped start with strides {self.strides} needs widths of at least {self.bands}")
        return self

    def build(self) -> Body:
        channels = (1, *self.widths)
        late = -self.overlaps % self.hop
        encoder: list[Causal] = [*([Delay(late)] if late else []), Gain(LEVEL)]
        decoder: list[Causal] = []
        for stride, narrow, wide, bands in zip(self.strides, channels, channels[1:], (1, *self.bands), strict=False):
            down, up = CausalConv1d(narrow, wide, 2 * stride, stride), CausalConvTranspose1d(wide, narrow, stride)
            if self.lapped:
                start_lapped(down, up, bands)
            encoder += [down, *(residual_unit(wide, dilation) for dilation in DILATIONS)]
            decoder = [*(residual_unit(wide, dilation) for dilation in DILATIONS), up, *decoder]
        encoder += [Snake(channels[-1]), CausalConv1d(channels[-1], self.latent_dim, kernel_size=3)]
        decoder = [CausalConv1d(self.latent_dim, channels[-1], kernel_size=3), *decoder, Gain(1 / LEVEL)]
        return Body(Chain(*encoder), Chain(*decoder, *([Tanh()] if self.tanh else [])), self.hop, self.delay)
