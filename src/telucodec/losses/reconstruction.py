"""What every reconstruction loss is: a module that compares a batch of waves with their references, in float32 whatever autocast says."""

from abc import abstractmethod

import torch
from torch import Tensor, nn

from telucodec.losses.waves import Waves


class ReconstructionLoss(nn.Module):
    """A scalar, 0 where estimates are their references."""

    def forward(self, waves: Waves) -> Tensor:
        with torch.autocast(waves.estimate.device.type, enabled=False):  # a bf16 spectrum has 2 digits, too few for its quiet bins
            return self.compare(waves)

    @abstractmethod
    def compare(self, waves: Waves) -> Tensor:
        """The scalar, in float32."""
