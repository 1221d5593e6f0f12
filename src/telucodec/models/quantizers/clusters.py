"""Where codebooks start, and what several processes training one model agree on: the same centres from all their vectors."""

import torch
import torch.distributed as processes
from torch import Tensor

ITERATIONS = 10


def k_means(vectors: Tensor, count: int) -> Tensor:
    """Centres [count, D] of the vectors [n, D] by Lloyd's algorithm; with fewer vectors than centres, some are drawn twice, apart by a little."""
    spread = vectors.std(dim=0, correction=0).mean()
    centres = vectors[torch.randint(len(vectors), (count,), device=vectors.device)]
    centres = centres + 1e-3 * spread * torch.randn_like(centres)
    for _ in range(ITERATIONS):
        index = (vectors @ centres.T - 0.5 * centres.square().sum(dim=1)).argmax(dim=1)
        sums = torch.zeros_like(centres).index_add_(0, index, vectors)
        counts = torch.bincount(index, minlength=count)[:, None]
        centres = torch.where(counts > 0, sums / counts.clamp_min(1), centres)
    return centres


def gathered(vectors: Tensor) -> Tensor:
    """The vectors [n, D] of every process, in the order of their ranks."""
    if not processes.is_initialized():
        return vectors
    parts = [torch.empty_like(vectors) for _ in range(processes.get_world_size())]
    processes.all_gather(parts, vectors)
    return torch.cat(parts)


def summed(tensor: Tensor) -> Tensor:
    """The sum of `tensor` over all processes."""
    if processes.is_initialized():
        processes.all_reduce(tensor)
    return tensor
