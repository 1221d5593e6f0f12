"""Trains the integer context networks: float weights that are rounded in every forward pass (straight-through gradients).

The coefficients' network points with one number into an ordered family of SCALES distributions, learned beside it; the
levels' network gives mean and spread of a discretised logistic. Both are only scaffolding: the tables that ship are counted
afterwards from the rows that the integer networks choose.
"""

import math
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from telucodec.runtime.context import LARGEST_BIAS, UNIT, WEIGHT_UNIT, Layers
from telucodec.runtime.model import LEVEL_FRACTIONS, LEVEL_SCALES, SCALES, SYMBOLS
from telucodec.runtime.signs import MAGNITUDES
from telucodec.training.pace import running_mean, set_rate, small_rate_share


class _Straight(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.floor()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def floored(x: Tensor) -> Tensor:
    """Floor with the gradient of the identity."""
    return _Straight.apply(x)


def rounded(x: Tensor) -> Tensor:
    """The nearest integers, halves upwards, with the gradient of the identity."""
    return _Straight.apply(x + 0.5)


class IntegerNet(nn.Module):
    """The trainable twin of `Layers`: same integers forward, gradients as if nothing were rounded.

    Shapes: features [n, I] and position [n] -> sums of the last layer, as float units, [n, O].
    """

    def __init__(self, inputs: int, positions: int, hidden: int, outputs: int):
        super().__init__()
        self.first = nn.Parameter(torch.randn(inputs, hidden) / inputs**0.5)
        self.bias = nn.Parameter(torch.zeros(positions, hidden))
        self.second = nn.Parameter(torch.randn(hidden, hidden) / hidden**0.5)
        self.second_bias = nn.Parameter(torch.zeros(hidden))
        self.last = nn.Parameter(torch.randn(hidden, outputs) / hidden**0.5)
        self.last_bias = nn.Parameter(torch.zeros(outputs))

    @classmethod
    def of(cls, layers: Layers) -> "IntegerNet":
        """The trainable twin of existing `layers`."""
        net = cls(layers.first.shape[0], layers.bias.shape[0], layers.first.shape[1], layers.last.shape[1])
        for name, parameter in net.named_parameters():
            unit = WEIGHT_UNIT * (UNIT if "bias" in name else 1)
            parameter.data.copy_(torch.from_numpy(getattr(layers, name)) / unit)
        return net

    def _weight(self, weight: Tensor) -> Tensor:
        return rounded(torch.clamp(weight * WEIGHT_UNIT, -127, 127))

    def _bias(self, bias: Tensor) -> Tensor:
        return rounded(torch.clamp(bias * (UNIT * WEIGHT_UNIT), -LARGEST_BIAS, LARGEST_BIAS))

    def forward(self, features: Tensor, position: Tensor) -> Tensor:
        def activate(sums: Tensor) -> Tensor:
            return floored(sums / WEIGHT_UNIT).clamp(0, 127)

        hidden = activate(features @ self._weight(self.first) + self._bias(self.bias)[position])
        hidden = activate(hidden @ self._weight(self.second) + self._bias(self.second_bias))
        return (hidden @ self._weight(self.last) + self._bias(self.last_bias)) / (UNIT * WEIGHT_UNIT)

    def layers(self) -> Layers:
        """The integers to ship."""
        with torch.no_grad():
            values = {name: (self._bias(p) if "bias" in name else self._weight(p)).numpy() for name, p in self.named_parameters()}
        return Layers(**{name: value.astype(np.float32) for name, value in values.items()})


class SignNet(nn.Module):
    """What `likelier` makes of a network: its answer, less that where signs are turned. Shapes: features [n, I] and position [n] -> logit [n] of above zero."""

    def __init__(self, net: IntegerNet):
        super().__init__()
        self.net = net

    def forward(self, features: Tensor, position: Tensor) -> Tensor:
        both = torch.cat([features, torch.cat([features[:, :MAGNITUDES], -features[:, MAGNITUDES:]], dim=1)])
        plain, turned = self.net(both, position.repeat(2))[:, 0].chunk(2)
        return plain - turned


class ScaleFamily(nn.Module):
    """SCALES distributions over a magnitude's symbols, ordered from narrow to wide, for each of the `quantisers` that may read it.

    `forward` gives bits of symbols [n], those of the second quantiser counted on from SYMBOLS.
    """

    def __init__(self, quantisers: int = 1):
        super().__init__()
        scale = 2.0 ** torch.linspace(-4, 4.5, SCALES)[:, None, None]
        self.logits = nn.Parameter((-torch.arange(SYMBOLS, dtype=torch.float32) / scale).repeat(1, quantisers, 1))

    def probabilities(self) -> Tensor:
        """Of each scale's symbols, [SCALES, quantisers, SYMBOLS]."""
        return functional.softmax(self.logits, dim=2)

    def forward(self, point: Tensor, symbols: Tensor) -> Tensor:
        """Bits of `symbols` at `point` (in rows, real) as a mixture of the two rows around it."""
        point = point.clamp(0, SCALES - 1.001)
        low = point.floor().long()
        weight = point - low
        probabilities = self.probabilities().flatten(1)
        mixed = (1 - weight) * probabilities[low, symbols] + weight * probabilities[low + 1, symbols]
        return -torch.log2(mixed.clamp_min(1e-6))


def level_bits(outputs: Tensor, change: Tensor) -> Tensor:
    """Bits of level changes [n] under a discretised logistic; outputs [n, 2] are its mean and its scale's class / LEVEL_FRACTIONS."""
    scale = 0.1 * 2 ** ((outputs[:, 1] * LEVEL_FRACTIONS).clamp(0, LEVEL_SCALES - 0.01) / 2)

    def below(value):
        return torch.sigmoid((value - outputs[:, 0]) / scale)

    return -torch.log2((below(change + 0.5) - below(change - 0.5)).clamp_min(1e-6))


def train(
    net: IntegerNet | SignNet,
    cost: Callable[[Tensor, Tensor], Tensor],
    data: tuple[np.ndarray, np.ndarray, np.ndarray],
    seconds: float,
    updates: int,
    batch: int,
    learning_rate: float,
    extra: nn.Module | None = None,
) -> float:
    """Fit `net` to (features [n, I], position [n], symbols [n]) until `updates` of `batch` symbols each, or `seconds`, are spent; last mean cost in bits."""
    features, position, symbols = (torch.from_numpy(part) for part in data)
    parameters = [*net.parameters(), *(extra.parameters() if extra is not None else ())]
    optimiser = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.0)
    start, mean = time.monotonic(), float("nan")
    net.train()
    for update in range(updates):
        done, spent = update / updates, (time.monotonic() - start) / seconds
        if spent > (update + 1) / updates:  # where time does not run out first, it must not show in what is learned
            done = spent
        if done >= 1:
            break
        set_rate(optimiser, learning_rate * small_rate_share(update, done))
        chosen = torch.randint(len(symbols), (batch,))
        loss = cost(net(features[chosen].float(), position[chosen]), symbols[chosen]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        mean = running_mean(mean, loss.item())
    return mean


def coefficient_cost(family: ScaleFamily) -> Callable[[Tensor, Tensor], Tensor]:
    """Cost of magnitude symbols: eight rows to a unit of the network's output."""
    return lambda outputs, symbols: family(outputs[:, 0] * 8, symbols)


def level_cost(outputs: Tensor, change: Tensor) -> Tensor:
    return level_bits(outputs, change.float())


def sign_cost(logits: Tensor, above: Tensor) -> Tensor:
    """Bits of which signs are `above` zero (1) or below (0)."""
    return functional.binary_cross_entropy_with_logits(logits, above.float(), reduction="none") / math.log(2)
