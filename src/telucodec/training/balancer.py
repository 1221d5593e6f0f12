"""Gradient balancer (EnCodec, arXiv:2210.13438, section 3.4): weights become shares of the gradient.

Losses differ in scale by orders of magnitude, and by the stage of training. Each loss's gradient at the model's output is
divided by a running mean of its own norm and multiplied by its share of the weights; only their sum goes on through the model.
"""

from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from telucodec.models.quantizers.clusters import gathered

SMALLEST = 1e-12
"""Norm that is divided by at least: a loss that has pulled at nothing so far goes on doing so."""


class BalancerConfig(BaseModel):
    """How fast the balancer follows, and how large the gradient is that it hands on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decay: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Of the running mean of norms, per update; the paper's. Early means are of the updates so far."""
    total_norm: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """Sum of the norms that the losses contribute at the output, over the whole batch."""

    def build(self, weights: dict[str, float]) -> "Balancer":
        """A balancer of losses with these positive weights, by name."""
        return Balancer(self, weights)


class Balancer:
    """Puts the gradients of several losses together, each with its share.

    Losses that are not given in an update (an adversarial one that starts later) leave their share to the others.
    """

    def __init__(self, config: BalancerConfig, weights: dict[str, float]):
        if not weights or min(weights.values()) <= 0:
            raise ValueError(f"a balancer needs positive weights, not {weights}")
        self.config, self.weights = config, dict(weights)
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, Tensor] = {}

    def gradient(self, losses: dict[str, Tensor], output: Tensor) -> Tensor:
        """The balanced gradient at `output`, of its shape; counts as one update of the running means.

        losses: unweighted scalars that depend on `output`, the model's [B, 1, T]; of several processes each has its part of the batch.
        Raises ValueError for a loss without a weight.
        """
        unknown = losses.keys() - self.weights.keys()
        if unknown or not losses:
            raise ValueError(f"losses {sorted(losses)} for a balancer of {sorted(self.weights)}")
        whole = sum(self.weights[name] for name in losses)
        balanced = torch.zeros_like(output)
        for name, loss in losses.items():
            (own,) = torch.autograd.grad(loss, output, retain_graph=True)
            share = self.weights[name] / whole
            balanced += own * (self.config.total_norm * share / self._mean_norm(name, own).clamp_min(SMALLEST))
        return balanced

    def _mean_norm(self, name: str, gradient: Tensor) -> Tensor:
        """Running mean of a loss's norm, this update's included; one that is not finite is left out, and seen by whoever reads the loss."""
        parts = gathered(torch.linalg.vector_norm(gradient.float())[None])
        norm = torch.linalg.vector_norm(parts) / len(parts)  # a process's mean loss is as many times that of the whole batch
        seen, norm = torch.isfinite(norm).float(), torch.nan_to_num(norm, 0, 0, 0)
        decay = 1 - (1 - self.config.decay) * seen
        for means, new in ((self.sums, norm), (self.counts, seen)):
            before = means[name].to(norm.device) if name in means else torch.zeros_like(norm)
            means[name] = decay * before + (1 - decay) * new
        return self.sums[name] / self.counts[name].clamp_min(SMALLEST)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs to go on exactly."""
        return {"sums": dict(self.sums), "counts": dict(self.counts)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.sums, self.counts = dict(state["sums"]), dict(state["counts"])
