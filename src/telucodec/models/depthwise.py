"""Depthwise causal convolutions, whose gradients PyTorch takes two to four times longer for than it could on a CPU."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from telucodec.models.causal import Causal, State

CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d}


class Depthwise1d(nn.Conv1d):
    """Shapes: x [B, C, F] -> [B, C, F - frames + 1]."""

    def __init__(self, channels: int, frames: int):
        super().__init__(channels, channels, frames, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        return depthwise(x, self.weight, self.bias)


class Depthwise2d(nn.Conv2d):
    """As many bins to either side as `reach`, with silence beyond. Shapes: x [B, C, G, F] -> [B, C, G, F - frames + 1]."""

    def __init__(self, channels: int, frames: int, reach: int):
        super().__init__(channels, channels, (2 * reach + 1, frames), groups=channels)
        self.reach = reach

    def forward(self, x: Tensor) -> Tensor:
        return depthwise(functional.pad(x, (0, 0, self.reach, self.reach)), self.weight, self.bias)


class CausalDepthwise(Causal):
    """Convolution of each channel with a kernel of its own that looks only backwards over frames, and over bins, where there are any, to both sides.

    Shapes: x [B, C, F] or [B, C, G, F], state [B, C, (G,) frames - 1] -> y as x. PyTorch's own start.
    """

    num_states = 1

    def __init__(self, channels: int, frames: int, bins: int | None = None, reach: int = 0):
        """A kernel of `frames`, and of `reach` bins to either side of each of `bins`."""
        super().__init__()
        self.conv = Depthwise1d(channels, frames) if bins is None else Depthwise2d(channels, frames, reach)
        self.past = frames - 1
        self.shape = (channels, self.past) if bins is None else (channels, bins, self.past)

    def silence(self, batch_size: int) -> State:
        return [self.conv.bias.new_zeros(batch_size, *self.shape)]

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        x = torch.cat([state[0].to(x.dtype), x], dim=-1)
        return self.conv(x), [x[..., x.shape[-1] - self.past :]]


def depthwise(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Each channel of x [B, C, ..] convolved with its own of the kernels [C, 1, ..], without padding."""
    device = x.device.type
    kind = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
    return _Depthwise.apply(x.to(kind), weight.to(kind), bias.to(kind))


class _Depthwise(torch.autograd.Function):
    """Both gradients as what they are: convolutions with as many groups as there are channels, and as sounds and channels."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return CONVOLUTIONS[weight.ndim - 2](x, weight, bias, groups=len(weight))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        convolve, axes = CONVOLUTIONS[weight.ndim - 2], tuple(range(2, weight.ndim))
        around = tuple(size - 1 for size in weight.shape[2:])
        towards_x = convolve(gradient, weight.flip(axes), padding=around, groups=len(weight))
        each, kernels = x.flatten(0, 1)[None], gradient.flatten(0, 1)[:, None]  # [1, B C, ..], [B C, 1, ..]
        towards_weight = convolve(each, kernels, groups=len(kernels)).view(len(x), *weight[:, 0].shape).sum(dim=0)[:, None]
        return towards_x, towards_weight, gradient.sum(dim=(0, *axes))
