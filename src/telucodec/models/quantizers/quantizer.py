"""What every quantizer is: latent frames to codes and back, with a straight-through gradient and its own term of the loss."""

from typing import Annotated, NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

Share = Annotated[float, Field(ge=0, le=1)]


class Quantized(NamedTuple):
    """Latent frames after quantisation."""

    latent: Tensor
    """[B, D, F]; its gradient passes straight through to what was quantised."""
    codes: Tensor
    """Indices int64 [B, K, F], those of codebooks that were dropped included."""
    loss: Tensor
    """Commitment and, where codebooks learn by gradient, codebook terms; a mean over the batch, []."""
    vectors: Tensor
    """What was quantised, [B F, D], without gradient."""


class Quantizer(nn.Module):
    """K codebooks of N entries for latents of width D."""

    def __init__(self, num_codebooks: int, codebook_size: int, dropout: float):
        super().__init__()
        self.num_codebooks, self.codebook_size, self.dropout = num_codebooks, codebook_size, dropout

    def forward(self, latent: Tensor, active: Tensor | None = None) -> Quantized:
        """Quantise latent [B, D, F]; `active` [B] says how many codebooks each sound is given, all of them where None."""
        raise NotImplementedError

    def draw_active(self, rng: np.random.Generator, batch_size: int) -> Tensor:
        """How many codebooks to give each of [B] sounds in training: with the probability `dropout` a random number, else all.

        So one model learns every bitrate (quantizer dropout, SoundStream, arXiv:2107.03312, section III-C).
        """
        drawn = rng.integers(1, self.num_codebooks + 1, batch_size)
        return torch.from_numpy(np.where(rng.random(batch_size) < self.dropout, drawn, self.num_codebooks))

    def initialise(self, latent: Tensor) -> None:
        """Place the codebooks where the latents [n, D] are; every process must give the same."""

    def revive(self, latent: Tensor) -> int:
        """Move entries that nothing chooses to where the latents [n, D] of all processes are; return how many."""
        return 0

    def encode(self, latent: Tensor) -> Tensor:
        """Codes int64 [B, K, F] of latent [B, D, F]."""
        raise NotImplementedError

    def tables(self) -> Tensor:
        """What each code adds to the latent, [K, N + 1, D]; the last entry, for a codebook not sent, adds nothing."""
        raise NotImplementedError

    def decode(self, codes: Tensor) -> Tensor:
        """Latent [B, D, F] of codes [B, K, F], where N stands for a codebook not sent."""
        return dequantise(self.tables(), codes)

    def _used(self, latent: Tensor, active: Tensor | None) -> Tensor:
        """Whether each codebook is given to each sound, [K, B]."""
        levels = torch.arange(self.num_codebooks, device=latent.device)[:, None]
        return torch.ones(self.num_codebooks, len(latent), dtype=torch.bool, device=latent.device) if active is None else levels < active


def dequantise(tables: Tensor, codes: Tensor) -> Tensor:
    """Sum of the entries of tables [K, N + 1, D] that codes [B, K, F] name, [B, D, F]."""
    offsets = tables.shape[1] * torch.arange(tables.shape[0], device=codes.device)[:, None]
    entries = tables.reshape(-1, tables.shape[-1])[codes + offsets]  # [B, K, F, D]
    return entries.sum(dim=1).transpose(1, 2)
