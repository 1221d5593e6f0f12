"""What every discriminator is: several small judges that look at one wave in different ways, each by its own.

Losses (hinge, feature matching) average over judges, so any number of them weighs the same.
"""

from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm


class Judgement(NamedTuple):
    """What the judges say about a batch of waves, and what they saw on the way."""

    logits: list[Tensor]
    """From each judge [B, 1, ...], one number per place it looks at: above 0 for real, below for made."""
    features: list[list[Tensor]]
    """From each judge, the activations of its hidden layers."""


class Judges(nn.Module):
    """A panel. Shapes: wave [B, 1, T] -> Judgement. A judge is a module that gives (logits, hidden activations) for a wave."""

    def __init__(self, judges: Iterable[nn.Module]):
        super().__init__()
        self.judges = nn.ModuleList(judges)

    def forward(self, wave: Tensor) -> Judgement:
        logits, features = zip(*(judge(wave) for judge in self.judges), strict=True)
        return Judgement(list(logits), list(features))


class ConvStack(nn.ModuleList):
    """Weight-normed 2-d convolutions, a leaky ReLU after each: x [B, C, H, W] -> the activations of all of them."""

    def __init__(self, convs: Iterable[nn.Conv2d], slope: float):
        super().__init__(weight_norm(conv) for conv in convs)
        self.slope = slope

    def forward(self, x: Tensor) -> list[Tensor]:
        activations = []
        for conv in self:
            x = functional.leaky_relu(conv(x), self.slope)
            activations.append(x)
        return activations


def same_conv(inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1), dilation: int = 1) -> nn.Conv2d:
    """A convolution over [time, frequency] that keeps both lengths but for its stride; dilated in time; odd kernels."""
    padding = (dilation * (kernel[0] - 1) // 2, (kernel[1] - 1) // 2)
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, (dilation, 1))
