"""Residual vector quantizer whose codebooks follow the running means of what they are chosen for.

SoundStream (arXiv:2107.03312, section III-C): k-means start, exponential moving averages, dead entries moved to where vectors are.
"""

from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from telucodec.models.precision import in_float32
from telucodec.models.quantizers.clusters import gathered, k_means, summed
from telucodec.models.quantizers.quantizer import Quantized, Quantizer, Share

EPSILON = 1e-5


class EmaRVQConfig(BaseModel):
    """Residual vector quantizer with moving averages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["rvq-ema"] = "rvq-ema"
    num_codebooks: Annotated[int, Field(ge=1, le=255)] = 8
    """Codebooks applied in turn, each to what the one before left over."""
    codebook_size: Annotated[int, Field(ge=2, le=4096)] = 1024
    """Entries in a codebook; each code costs log2 of it in bits before entropy coding."""
    decay: Share = 0.99
    """Of the moving averages, per update."""
    commitment: float = 0.25
    """Weight of the pull of the latents towards their entries."""
    dropout: Share = 0.5
    """Share of the sounds that are given a random number of codebooks in training."""
    k_means: bool = True
    """Whether codebooks start at the centres of the first latents, or at random."""
    dead_share: Share = 0.03
    """An entry chosen less often than this share of the mean is dead and moved; 0 leaves the dead alone."""

    def build(self, latent_dim: int) -> "EmaRVQ":
        return EmaRVQ(self, latent_dim)


class EmaRVQ(Quantizer):
    """Shapes: latent [B, D, F] <-> codes [B, K, F]; codebooks [K, N, D]."""

    def __init__(self, config: EmaRVQConfig, latent_dim: int):
        super().__init__(config.num_codebooks, config.codebook_size, config.dropout)
        self.config = config
        shape = config.num_codebooks, config.codebook_size
        self.register_buffer("codebooks", torch.randn(*shape, latent_dim) / latent_dim**0.5)
        self.register_buffer("sums", self.codebooks.clone())
        self.register_buffer("counts", torch.ones(shape))

    def forward(self, latent: Tensor, active: Tensor | None = None) -> Quantized:
        with in_float32(latent):
            vectors = latent.float().transpose(1, 2)  # [B, F, D]
            residual, total = vectors.detach(), torch.zeros_like(vectors)
            loss, codes = vectors.new_zeros(()), []
            for k, used in enumerate(self._used(latent, active)):
                index = nearest(self.codebooks[k], residual)
                entry = self.codebooks[k][index]
                if self.training:
                    self._follow(k, residual[used].flatten(0, 1), index[used].flatten())
                total = total + entry * used[:, None, None]
                loss = loss + ((vectors - total).square().mean(dim=(1, 2)) * used).mean() / self.num_codebooks
                residual = residual - entry
                codes.append(index)
            straight = vectors + (total - vectors).detach()
        return Quantized(straight.transpose(1, 2), torch.stack(codes, dim=1), self.config.commitment * loss, vectors.detach().flatten(0, 1))

    def _follow(self, k: int, vectors: Tensor, index: Tensor) -> None:
        """Move codebook k towards the means of the vectors [n, D] that chose each entry, over all processes."""
        chosen = torch.zeros(len(vectors), self.codebook_size, device=vectors.device)
        chosen.scatter_(1, index[:, None], 1.0)
        counts, sums = summed(chosen.sum(dim=0)), summed(chosen.T @ vectors)
        self.counts[k].lerp_(counts, 1 - self.config.decay)
        self.sums[k].lerp_(sums, 1 - self.config.decay)
        total = self.counts[k].sum()
        smoothed = (self.counts[k] + EPSILON) / (total + self.codebook_size * EPSILON) * total
        self.codebooks[k] = self.sums[k] / smoothed[:, None]

    @torch.no_grad()
    def initialise(self, latent: Tensor) -> None:
        if not self.config.k_means:
            return
        residual = latent.float()
        for k in range(self.num_codebooks):
            self.codebooks[k] = k_means(residual, self.codebook_size)
            index = nearest(self.codebooks[k], residual)
            self.counts[k] = torch.bincount(index, minlength=self.codebook_size).float().clamp_min(1)
            self.counts[k] *= self.codebook_size / self.counts[k].sum()
            self.sums[k] = self.codebooks[k] * self.counts[k][:, None]
            residual = residual - self.codebooks[k][index]

    @torch.no_grad()
    def revive(self, latent: Tensor) -> int:
        revived, residual = 0, gathered(latent.float())
        for k in range(self.num_codebooks):
            mean = self.counts[k].mean()
            dead = (self.counts[k] < self.config.dead_share * mean).nonzero()[:, 0]
            if len(dead):
                chosen = residual[torch.randint(len(residual), (len(dead),), device=residual.device)]
                self.codebooks[k, dead], self.counts[k, dead] = chosen, mean
                self.sums[k, dead] = chosen * mean
                revived += len(dead)
            residual = residual - self.codebooks[k][nearest(self.codebooks[k], residual)]
        return revived

    def encode(self, latent: Tensor) -> Tensor:
        with in_float32(latent):
            residual, codes = latent.to(self.codebooks.dtype).transpose(1, 2), []
            for codebook in self.codebooks:
                codes.append(nearest(codebook, residual))
                residual = residual - codebook[codes[-1]]
        return torch.stack(codes, dim=1)

    def tables(self) -> Tensor:
        return torch.cat([self.codebooks, torch.zeros_like(self.codebooks[:, :1])], dim=1)


def nearest(codebook: Tensor, vectors: Tensor) -> Tensor:
    """Index [...] of the entry of codebook [N, D] nearest to each of the vectors [..., D]."""
    return (vectors @ codebook.T - 0.5 * codebook.square().sum(dim=1)).argmax(dim=-1)
