"""What residual vector quantizers share: codebooks applied in turn, each to what the one before left over, and their dead entries.

SoundStream (arXiv:2107.03312, section III-C). What derives from it says how one codebook is looked up in and how it learns.
"""

from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from telucodec.models.precision import in_float32
from telucodec.models.quantizers.clusters import gathered
from telucodec.models.quantizers.quantizer import Quantizer, Share


class ResidualConfig(BaseModel):
    """Settings of any residual vector quantizer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_codebooks: Annotated[int, Field(ge=1, le=255)] = 8
    """Codebooks applied in turn, each to what the one before left over."""
    codebook_size: Annotated[int, Field(ge=2, le=4096)] = 1024
    """Entries in a codebook; each code costs log2 of it in bits before entropy coding."""
    commitment: float = 0.25
    """Weight of the pull of what is quantised towards its entries."""
    dropout: Share = 0.5
    """Share of the sounds that are given a random number of codebooks in training."""
    k_means: bool = True
    """Whether codebooks start at the centres of the first latents, or at random."""
    dead_share: Share = 0.03
    """An entry chosen less often than this share of the mean is dead and moved; 0 leaves the dead alone."""


class ResidualQuantizer(Quantizer):
    """Shapes: latent [B, D, F] <-> codes [B, K, F]. It has `codebooks` [K, N, ...] and `counts` [K, N] of how often each was chosen."""

    def __init__(self, config: ResidualConfig):
        super().__init__(config.num_codebooks, config.codebook_size, config.dropout)
        self.config = config
        self.register_buffer("counts", torch.ones(config.num_codebooks, config.codebook_size))

    def choose(self, k: int, residual: Tensor) -> tuple[Tensor, Tensor]:
        """Index [...] of the entry of codebook k for each of `residual` [..., D], and what it adds to the latent [..., D]."""
        raise NotImplementedError

    def place(self, k: int, entries: Tensor, vectors: Tensor, count: Tensor) -> None:
        """Move `entries` [n] of codebook k to `vectors` [n, D], as if each had been chosen `count` times."""
        raise NotImplementedError

    @torch.no_grad()
    def revive(self, latent: Tensor) -> int:
        revived, residual = 0, gathered(latent.float())
        for k in range(self.num_codebooks):
            mean = self.counts[k].mean()
            dead = (self.counts[k] < self.config.dead_share * mean).nonzero()[:, 0]
            if len(dead):
                self.place(k, dead, residual[torch.randint(len(residual), (len(dead),), device=residual.device)], mean)
                self.counts[k, dead] = mean
                revived += len(dead)
            residual = residual - self.choose(k, residual)[1]
        return revived

    def encode(self, latent: Tensor) -> Tensor:
        with in_float32(latent):
            residual, codes = latent.to(self.codebooks.dtype).transpose(1, 2), []
            for k in range(self.num_codebooks):
                index, step = self.choose(k, residual)
                codes.append(index)
                residual = residual - step
        return torch.stack(codes, dim=1)
