"""Multi-band multi-resolution STFT discriminator (DAC, arXiv:2306.06546, section 3.3): each band has layers of its own,
so that high frequencies are judged although low ones are louder."""

from itertools import pairwise
from typing import Annotated, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from telucodec.models.discriminators.complex_spectrum import ComplexSpectrum
from telucodec.models.discriminators.judge import ConvStack, Judges, same_conv


class BandSTFTDiscriminatorConfig(BaseModel):
    """2-d convolutions over bands of the complex STFT at several window lengths (DAC, arXiv:2306.06546, section 3.3)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["band_stft"] = "band_stft"
    windows: Annotated[tuple[Annotated[int, Field(ge=16, multiple_of=4)], ...], Field(min_length=1)] = (1024, 512, 256)
    """Window lengths in samples. The paper has 2048, 1024 and 512 at 44.1 kHz, about the same in ms."""
    splits: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.1, 0.25, 0.5, 0.75)
    """Where one band ends and the next begins, as shares of half the sample rate, rising."""
    width: Annotated[int, Field(ge=1)] = 32
    """Channels of every hidden layer."""

    @model_validator(mode="after")
    def _every_band_has_a_bin(self) -> Self:
        for window in self.windows:
            bins_of_bands(window, self.splits)
        return self

    def build(self) -> Judges:
        return Judges(BandSTFTJudge(window, self.splits, self.width) for window in self.windows)


class BandSTFTJudge(nn.Module):
    """Shapes: wave [B, 1, T] -> logits [B, 1, F, bins], activations [B, width, F, bins of the band] of each layer of each band."""

    def __init__(self, window: int, splits: tuple[float, ...], width: int):
        super().__init__()
        self.spectrum = ComplexSpectrum(window)
        self.band_bins = bins_of_bands(window, splits)
        self.bands = nn.ModuleList(_band_layers(width) for _ in self.band_bins)
        self.last = weight_norm(same_conv(width, 1, (3, 3)))

    def forward(self, wave: Tensor) -> tuple[Tensor, list[Tensor]]:
        pieces = self.spectrum(wave).split(self.band_bins, dim=-1)
        features = [layers(piece) for layers, piece in zip(self.bands, pieces, strict=True)]
        joined = torch.cat([activations[-1] for activations in features], dim=-1)
        return self.last(joined), [activation for activations in features for activation in activations]


def bins_of_bands(window: int, splits: tuple[float, ...]) -> list[int]:
    """How many bins each band has. Raises ValueError where the splits leave one without."""
    bins = window // 2 + 1
    edges = [0, *(int(split * bins) for split in splits), bins]
    counts = [high - low for low, high in pairwise(edges)]
    if min(counts) < 1:
        raise ValueError(f"splits {splits} leave a band of a {window}-sample window empty; let them rise, further apart")
    return counts


def _band_layers(width: int) -> ConvStack:
    halving = [same_conv(width, width, (3, 9), (1, 2)) for _ in range(3)]
    return ConvStack([same_conv(2, width, (3, 9)), *halving, same_conv(width, width, (3, 3))], slope=0.1)
