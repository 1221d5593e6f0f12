"""Finite scalar quantizer: each dimension rounded to a few levels, so that there is no codebook to collapse.

Mentzer et al., arXiv:2309.15505. K groups of dimensions, each with its own code, dropped from the last on to lower the bitrate.
"""

import math
from typing import Annotated, Literal

import torch
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from torch import Tensor, nn

from telucodec.models.precision import in_float32
from telucodec.models.quantizers.quantizer import Quantized, Quantizer, Share

MOST_CODES = 4096
"""Of a group; a codebook of a bundle has no more."""


def _odd(levels: tuple[int, ...]) -> tuple[int, ...]:
    if not all(size % 2 and size > 1 for size in levels):
        raise ValueError("levels must be odd, so that zero is one of them, and 3 or more")
    if not 1 < math.prod(levels) <= MOST_CODES:
        raise ValueError(f"the product of the levels must be at most {MOST_CODES}")
    return levels


class FSQConfig(BaseModel):
    """Finite scalar quantizer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["fsq"] = "fsq"
    num_codebooks: Annotated[int, Field(ge=1, le=255)] = 8
    """Groups of dimensions with a code each."""
    levels: Annotated[tuple[int, ...], AfterValidator(_odd)] = (5, 5, 5, 5)
    """Odd numbers of levels of a group's dimensions; their product is the codebook size."""
    dropout: Share = 0.5
    """Share of the sounds that are given a random number of groups in training."""

    @property
    def codebook_size(self) -> int:
        return math.prod(self.levels)

    def build(self, latent_dim: int) -> "FSQ":
        return FSQ(self, latent_dim)


class FSQ(Quantizer):
    """Shapes: latent [B, D, F] <-> codes [B, K, F]."""

    def __init__(self, config: FSQConfig, latent_dim: int):
        super().__init__(config.num_codebooks, config.codebook_size, config.dropout)
        width = config.num_codebooks * len(config.levels)
        self.down, self.up = nn.Linear(latent_dim, width), nn.Linear(width, latent_dim, bias=False)
        self.register_buffer("halves", torch.tensor([size // 2 for size in config.levels], dtype=torch.float32), persistent=False)
        places = [math.prod(config.levels[:place]) for place in range(len(config.levels))]
        self.register_buffer("places", torch.tensor(places, dtype=torch.float32), persistent=False)
        self.register_buffer("sizes", torch.tensor(config.levels), persistent=False)

    def _bounded(self, vectors: Tensor) -> Tensor:
        """Values within +-halves [..., K, C] of vectors [..., D]."""
        grouped = self.down(vectors).unflatten(-1, (self.num_codebooks, -1))
        return (self.halves + 0.49) * grouped.tanh()  # nearly to the next level, so that the outer ones are reached

    def forward(self, latent: Tensor, active: Tensor | None = None) -> Quantized:
        with in_float32(latent):
            vectors = latent.float().transpose(1, 2)
            bounded = self._bounded(vectors)  # [B, F, K, C]
            rounded = bounded.round()
            straight = bounded + (rounded - bounded).detach()
            straight = straight * self._used(latent, active).T[:, None, :, None]
            restored = self.up(straight.flatten(2)).transpose(1, 2)
            return Quantized(restored, self._codes(rounded), straight.new_zeros(()), vectors.detach().flatten(0, 1))

    def _codes(self, rounded: Tensor) -> Tensor:
        return ((rounded + self.halves) * self.places).sum(dim=-1).long().transpose(1, 2)

    def encode(self, latent: Tensor) -> Tensor:
        with in_float32(latent):
            return self._codes(self._bounded(latent.float().transpose(1, 2)).round())

    def tables(self) -> Tensor:
        numbers = torch.arange(self.codebook_size, device=self.sizes.device)[:, None]
        values = (numbers // self.places.long() % self.sizes) - self.halves  # [N, C]
        groups = self.up.weight.unflatten(1, (self.num_codebooks, -1))  # [D, K, C]
        with in_float32(groups):
            tables = torch.einsum("dkc,nc->knd", groups, values)
        return torch.cat([tables, torch.zeros_like(tables[:, :1])], dim=1)
