"""Multi-period discriminator (HiFi-GAN, arXiv:2010.05646, section 2.3): the wave folded into rows of p samples,
so that each column is every p-th sample and what repeats shows."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from telucodec.models.discriminators.judge import ConvStack, Judges

GROWTH = (1, 4, 16, 32, 32)
"""Channels of the five layers over the width; the paper's 32, 128, 512, 1024, 1024."""


class PeriodDiscriminatorConfig(BaseModel):
    """Convolutions down the columns of the folded wave, at several periods (HiFi-GAN, arXiv:2010.05646, section 2.3)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["period"] = "period"
    periods: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (2, 3, 5, 7, 11)
    """Row lengths in samples: primes, so that judges overlap as little as can be."""
    width: Annotated[int, Field(ge=1)] = 8
    """Channels of the first layer, 32 times as many in the last. The paper has 32, for GPUs: a quarter is a sixteenth of the multiplications."""

    def build(self) -> Judges:
        return Judges(PeriodJudge(period, self.width) for period in self.periods)


class PeriodJudge(nn.Module):
    """Shapes: wave [B, 1, T] -> logits [B, 1, H, p], activations [B, C, H', p] of each layer; T is filled up with silence."""

    def __init__(self, period: int, width: int):
        super().__init__()
        self.period = period
        channels = [1, *(width * growth for growth in GROWTH)]
        strides = [3] * (len(GROWTH) - 1) + [1]
        convs = [
            nn.Conv2d(inputs, outputs, (5, 1), (stride, 1), (2, 0))
            for (inputs, outputs), stride in zip(pairwise(channels), strides, strict=True)
        ]
        self.hidden = ConvStack(convs, slope=0.1)
        self.last = weight_norm(nn.Conv2d(channels[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        folded = functional.pad(wave, (0, -wave.shape[-1] % self.period)).unflatten(-1, (-1, self.period))  # [B, 1, T / p, p]
        features = self.hidden(folded)
        return self.last(features[-1]), features
