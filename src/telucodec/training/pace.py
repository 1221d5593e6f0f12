"""How fast parameters learn on their way through a run, and how fast means of what changes follow."""

import math
from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class OptimiserConfig(BaseModel):
    """AdamW with a linear warm-up and a cosine down to a share of the peak."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    learning_rate: Positive = 8e-4
    """Peak."""
    final_share: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Of the peak, at the end."""
    warmup_updates: Annotated[int, Field(ge=0)] = 200
    betas: tuple[Decay, Decay] = (0.8, 0.99)
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    clip_norm: Positive = 1.0
    """Norm that gradients are cut to."""
    average_decay: Decay = 0.999
    """Of the moving average of the parameters, which is what is validated and kept."""

    def rate_share(self, updates: int, progress: float) -> float:
        """Share of the peak that the update after so many `updates` learns at; `progress` is the share of the run that is over."""
        cosine = self.final_share + (1 - self.final_share) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
        return cosine * min(1.0, (updates + 1) / max(1, self.warmup_updates))

    @torch.no_grad()
    def follow(self, average: nn.Module, learning: nn.Module, updates: int) -> None:
        """Move `average` towards what learns, after so many `updates`; early on it follows faster, so that it does not remember the start."""
        decay = min(self.average_decay, (1 + updates) / (10 + updates))
        torch._foreach_lerp_(list(average.parameters()), list(learning.parameters()), 1 - decay)
        for kept, buffer in zip(average.buffers(), learning.buffers(), strict=True):
            kept.copy_(buffer)


def small_rate_share(updates: int, progress: float) -> float:
    """The same for small networks, which learn for minutes: a short warm-up, and down to nothing."""
    return min(1, (updates + 1) / 50) * (1 - progress) ** 1.5


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


def running_mean(mean: float, new: float) -> float:
    """The `mean` of those before, NaN at first, with a `new` one: mostly of the last fifty."""
    return new if math.isnan(mean) else 0.98 * mean + 0.02 * new
