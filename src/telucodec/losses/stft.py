"""Multi-resolution STFT distance (Parallel WaveGAN, arXiv:1910.11480, section 2.2): every bin, loud ones and quiet ones.

Spectral convergence looks at the loud bins, the log magnitude at all alike. Different from the paper: the floor is white
noise (`waves.py`), and convergence is taken over each crop with a least level, so that a pause does not rule a batch.
"""

from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from telucodec.losses.reconstruction import ReconstructionLoss
from telucodec.losses.waves import Waves, noise_power


class STFTConfig(BaseModel):
    """Spectral convergence plus log-magnitude L1 (Parallel WaveGAN, arXiv:1910.11480), averaged over window lengths."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["stft"] = "stft"
    windows: Annotated[tuple[Annotated[int, Field(ge=16, multiple_of=4)], ...], Field(min_length=1)] = (256, 512, 1024)
    """Window lengths in samples; the paper's 10, 25 and 50 ms as powers of two at 16 kHz: 16, 32 and 64 ms."""
    floor_db: float = -100.0
    """RMS, in dB of full scale, of the white noise thought under both waves: what lies below it is not told apart."""
    quietest_db: float = -50.0
    """RMS in dB of full scale; to the spectral convergence, a crop below it counts as if it had this level."""

    def build(self, sample_rate: int) -> "STFTDistance":
        return STFTDistance(self)


class STFTDistance(ReconstructionLoss):
    """Mean over windows of ||X - Y|| / ||X||, crop by crop, plus mean |ln X - ln Y|, X and Y magnitudes; blind to polarity and phase."""

    def __init__(self, config: STFTConfig):
        super().__init__()
        self.windows = config.windows
        self.noise, self.quietest = noise_power(config.floor_db), noise_power(config.quietest_db)

    def compare(self, waves: Waves) -> Tensor:
        total = 0
        for window in self.windows:
            x, y = (power + self.noise for power in waves.powers(window))  # [B, F, W / 2 + 1]
            distance = torch.linalg.vector_norm(x.sqrt() - y.sqrt(), dim=(1, 2))  # [B]
            level = x.sum((1, 2)).clamp_min(self.quietest * x[0].numel()).sqrt()
            total = total + (distance / level).mean() + 0.5 * (x.log() - y.log()).abs().mean()
        return total / len(self.windows)
