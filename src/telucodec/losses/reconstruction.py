"""What every reconstruction loss is: a module that compares a batch of waves with their references, in float32 whatever autocast says."""

from abc import abstractmethod

import torch
from torch import Tensor, nn


class ReconstructionLoss(nn.Module):
    """Shapes: reference [B, 1, T], estimate [B, 1, T] -> scalar, 0 for equal waves.

    The reference is a given: no gradient reaches it, and its spectra cost no graph. Raises ValueError for other shapes.
    """

    def forward(self, reference: Tensor, estimate: Tensor) -> Tensor:
        if reference.ndim != 3 or reference.shape[1] != 1 or reference.shape != estimate.shape:
            raise ValueError(f"a loss compares two batches [B, 1, T], not {list(reference.shape)} and {list(estimate.shape)}")
        with torch.autocast(estimate.device.type, enabled=False):  # a bf16 spectrum has 2 digits, too few for its quiet bins
            return self.compare(reference.detach().float(), estimate.float())

    @abstractmethod
    def compare(self, reference: Tensor, estimate: Tensor) -> Tensor:
        """The scalar, from float32 waves of one shape [B, 1, T]."""
