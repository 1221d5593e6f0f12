"""Several losses as one: a weighted sum that also hands out its terms."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from telucodec.losses import LossConfig
from telucodec.losses.waves import Waves


class TermConfig(BaseModel):
    """One loss and how much it counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Factor of the loss in the sum; in a balancer, its share of the gradient."""
    loss: LossConfig
    """What is compared, picked by its `kind`."""


class SumConfig(BaseModel):
    """A weighted sum of reconstruction losses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    terms: Annotated[dict[str, TermConfig], Field(min_length=1)]
    """Terms by the name that logs call them."""

    def weights(self) -> dict[str, float]:
        return {name: term.weight for name, term in self.terms.items()}

    def build(self, sample_rate: int) -> "WeightedSum":
        return WeightedSum(self, sample_rate)


class WeightedSum(nn.Module):
    """Shapes: reference [B, 1, T], estimate [B, 1, T] -> sum of weight times value, and the values by name.

    Values are before their weights and carry gradients: `.item()` is for logs, the tensor itself for a balancer.
    """

    def __init__(self, config: SumConfig, sample_rate: int):
        super().__init__()
        self.weights = config.weights()
        self.losses = nn.ModuleList(term.loss.build(sample_rate) for term in config.terms.values())  # a ModuleDict forbids some names

    def forward(self, reference: Tensor, estimate: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        waves = Waves(reference, estimate)
        values = {name: loss(waves) for name, loss in zip(self.weights, self.losses, strict=True)}
        return sum(self.weights[name] * value for name, value in values.items()), values
