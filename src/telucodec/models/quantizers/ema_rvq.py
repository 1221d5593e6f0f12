"""Residual vector quantizer whose codebooks follow the running means of what they are chosen for.

SoundStream (arXiv:2107.03312, section III-C): k-means start, exponential moving averages, dead entries moved to where vectors are. While
it learns, an entry chosen often counts as farther away (frequency-sensitive competitive learning; Ahalt, Krishnamurthy, Chen and Melton,
"Competitive learning algorithms for vector quantization", Neural Networks 3, 1990).
"""

from typing import Literal

import torch
from torch import Tensor

from telucodec.models.precision import in_float32
from telucodec.models.quantizers.clusters import k_means, summed
from telucodec.models.quantizers.quantizer import Quantized, Share
from telucodec.models.quantizers.residual import ResidualConfig, ResidualQuantizer

EPSILON = 1e-5
LEAST_SHARE = 0.03
"""Of the mean; an entry chosen less often draws no more than one chosen so often."""


class EmaRVQConfig(ResidualConfig):
    """Residual vector quantizer with moving averages."""

    kind: Literal["rvq-ema"] = "rvq-ema"
    decay: Share = 0.99
    """Of the moving averages, per update."""
    evenness: Share = 0.5
    """Exponent of how often an entry is chosen, by which its squared distance grows in training. Pauses then spread over many entries,
    where they would all take one; 0 is the nearest entry, as when encoding."""

    def build(self, latent_dim: int) -> "EmaRVQ":
        return EmaRVQ(self, latent_dim)


class EmaRVQ(ResidualQuantizer):
    """Shapes: latent [B, D, F] <-> codes [B, K, F]; codebooks [K, N, D]."""

    def __init__(self, config: EmaRVQConfig, latent_dim: int):
        super().__init__(config)
        shape = config.num_codebooks, config.codebook_size
        self.register_buffer("codebooks", torch.randn(*shape, latent_dim) / latent_dim**0.5)
        self.register_buffer("sums", self.codebooks.clone())

    def forward(self, latent: Tensor, active: Tensor | None = None) -> Quantized:
        with in_float32(latent):
            vectors = latent.float().transpose(1, 2).contiguous()  # [B, F, D]; else each product with a codebook copies
            residual, total = vectors.detach(), torch.zeros_like(vectors)
            loss, codes = vectors.new_zeros(()), []
            for k, used in enumerate(self._used(latent, active)):
                index = self._choose_evenly(k, residual, latent.dtype) if self.training else nearest(self.codebooks[k], residual)
                entry = self.codebooks[k][index]
                if self.training:
                    self._follow(k, residual[used].flatten(0, 1), index[used].flatten())
                total = total + entry * used[:, None, None]
                loss = loss + ((vectors - total).square().mean(dim=(1, 2)) * used).mean() / self.num_codebooks
                residual = residual - entry
                codes.append(index)
            straight = vectors + (total - vectors).detach()
        return Quantized(straight.transpose(1, 2), torch.stack(codes, dim=1), self.config.commitment * loss, vectors.detach().flatten(0, 1))

    def _choose_evenly(self, k: int, residual: Tensor, dtype: torch.dtype) -> Tensor:
        """Index [B, F] of the entry of codebook k for each residual [B, F, D], where squared distances grow with how often one is chosen.

        Products with entries are taken in `dtype`: bfloat16 takes two thirds of the time, and of random vectors 3 in 1,000 get another entry, all but as near.
        """
        codebook, often = self.codebooks[k], self.counts[k] / self.counts[k].mean()
        weight = often.clamp_min(LEAST_SHARE) ** self.config.evenness  # [N]
        products = residual.to(dtype) @ codebook.to(dtype).T  # [B, F, N]
        distances = torch.sub(codebook.square().sum(dim=-1), products, alpha=2).add_(residual.square().sum(dim=-1, keepdim=True))
        return distances.mul_(weight).argmin(dim=-1)

    def _follow(self, k: int, vectors: Tensor, index: Tensor) -> None:
        """Move codebook k towards the means of the vectors [n, D] that chose each entry, over all processes."""
        counts = summed(torch.bincount(index, minlength=self.codebook_size).to(vectors.dtype))
        sums = summed(torch.zeros_like(self.sums[k]).index_add_(0, index, vectors))
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

    def choose(self, k: int, residual: Tensor) -> tuple[Tensor, Tensor]:
        index = nearest(self.codebooks[k], residual)
        return index, self.codebooks[k][index]

    def place(self, k: int, entries: Tensor, vectors: Tensor, count: Tensor) -> None:
        self.codebooks[k, entries], self.sums[k, entries] = vectors, vectors * count

    def tables(self) -> Tensor:
        return torch.cat([self.codebooks, torch.zeros_like(self.codebooks[:, :1])], dim=1)


def nearest(codebook: Tensor, vectors: Tensor) -> Tensor:
    """Index [...] of the entry of codebook [N, D] nearest to each of the vectors [..., D]."""
    return (vectors @ codebook.T - 0.5 * codebook.square().sum(dim=1)).argmax(dim=-1)
