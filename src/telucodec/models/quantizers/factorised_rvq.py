"""Residual vector quantizer with factorised, L2-normalised codes: entries are looked up in a few dimensions, by direction alone.

DAC (arXiv:2306.06546, section 3.2), after improved VQGAN (arXiv:2110.04627). Codebooks learn by gradient.
"""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from telucodec.models.precision import in_float32
from telucodec.models.quantizers.clusters import k_means, summed
from telucodec.models.quantizers.quantizer import Quantized
from telucodec.models.quantizers.residual import ResidualConfig, ResidualQuantizer

USAGE_DECAY = 0.99


class FactorisedRVQConfig(ResidualConfig):
    """Residual vector quantizer with factorised codes; with `k_means`, levels start at the principal directions of the latents too."""

    kind: Literal["rvq-factorised"] = "rvq-factorised"
    code_dim: Annotated[int, Field(ge=1, le=1024)] = 8
    """Dimensions that entries are looked up in."""

    def build(self, latent_dim: int) -> "FactorisedRVQ":
        return FactorisedRVQ(self, latent_dim)


class FactorisedRVQ(ResidualQuantizer):
    """Shapes: latent [B, D, F] <-> codes [B, K, F]; codebooks [K, N, C] with C = code_dim."""

    def __init__(self, config: FactorisedRVQConfig, latent_dim: int):
        super().__init__(config)
        levels = range(config.num_codebooks)
        self.down = nn.ModuleList(nn.Linear(latent_dim, config.code_dim) for _ in levels)
        self.up = nn.ModuleList(nn.Linear(config.code_dim, latent_dim) for _ in levels)
        self.codebooks = nn.Parameter(torch.randn(config.num_codebooks, config.codebook_size, config.code_dim))

    def _look_up(self, k: int, residual: Tensor) -> tuple[Tensor, Tensor]:
        """Projected residual [B, F, C] and the index [B, F] of the entry nearest in direction."""
        projected = self.down[k](residual)
        directions = functional.normalize(projected, dim=-1)
        return projected, (directions @ functional.normalize(self.codebooks[k], dim=-1).T).argmax(dim=-1)

    def forward(self, latent: Tensor, active: Tensor | None = None) -> Quantized:
        with in_float32(latent):
            vectors = latent.float().transpose(1, 2)  # [B, F, D]
            residual, total = vectors, torch.zeros_like(vectors)
            loss, codes = vectors.new_zeros(()), []
            for k, given in enumerate(self._used(latent, active)):
                projected, index = self._look_up(k, residual)
                entry, used = self.codebooks[k][index], given[:, None, None]
                if self.training:
                    chosen = summed(torch.bincount(index[given].flatten(), minlength=self.codebook_size).float())
                    self.counts[k].lerp_(chosen, 1 - USAGE_DECAY)
                apart = self.config.commitment * (projected - entry.detach()).square() + (projected.detach() - entry).square()
                loss = loss + (apart * used).mean() / self.num_codebooks
                step = self.up[k](projected + (entry - projected).detach())
                total, residual = total + step * used, residual - step
                codes.append(index)
        return Quantized(total.transpose(1, 2), torch.stack(codes, dim=1), loss, vectors.detach().flatten(0, 1))

    @torch.no_grad()
    def initialise(self, latent: Tensor) -> None:
        if not self.config.k_means:
            return
        residual = latent.float()
        for k in range(self.num_codebooks):
            self._face(k, residual)
            self.codebooks[k] = k_means(self.down[k](residual), self.codebook_size)
            residual = residual - self.choose(k, residual)[1]

    def _face(self, k: int, vectors: Tensor) -> None:
        """Turn level k to the directions in which the vectors [n, D] differ most, there and back."""
        mean = vectors.mean(dim=0)
        *_, directions = torch.linalg.svd(vectors - mean, full_matrices=False)
        chosen = directions[: self.config.code_dim]  # [C, D], orthonormal
        self.down[k].weight[: len(chosen)], self.up[k].weight[:, : len(chosen)] = chosen, chosen.T
        self.down[k].bias[: len(chosen)], self.up[k].bias[:] = -(chosen @ mean), mean

    def choose(self, k: int, residual: Tensor) -> tuple[Tensor, Tensor]:
        _, index = self._look_up(k, residual)
        return index, self.up[k](self.codebooks[k][index])

    def place(self, k: int, entries: Tensor, vectors: Tensor, count: Tensor) -> None:
        self.codebooks[k, entries] = self.down[k](vectors)

    def tables(self) -> Tensor:
        with in_float32(self.codebooks):
            tables = torch.stack([up(codebook) for up, codebook in zip(self.up, self.codebooks, strict=True)])
        return torch.cat([tables, torch.zeros_like(tables[:, :1])], dim=1)
