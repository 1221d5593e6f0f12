"""The layers that codec bodies are made of: causal convolutions with weight normalisation, Snake, residual units, ConvNeXt blocks."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from telucodec.audio.mdct import basis
from telucodec.models.causal import Causal, Residual, State
from telucodec.models.depthwise import CausalDepthwise

EPSILON = 1e-9
"""Keeps Snake's a from dividing by 0."""


class Snake(Causal):
    """x + sin^2(a x) / a, with an a of its own for each channel: a bias towards what repeats (arXiv:2006.08195; DAC, arXiv:2306.06546)."""

    def __init__(self, channels: int):
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(channels, 1))

    def apply_to(self, x: Tensor) -> Tensor:
        return _Snake.apply(x, self.alpha)


class _Snake(torch.autograd.Function):
    """Snake with its gradient written out: autograd keeps and walks eight waves for each, which is most of what a narrow codec does."""

    @staticmethod
    def forward(ctx, x: Tensor, alpha: Tensor) -> Tensor:
        ctx.save_for_backward(x, alpha)
        return (alpha * x).sin_().square_().div_(alpha + EPSILON).add_(x).to(x.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, alpha = ctx.saved_tensors
        turn = 2 * alpha * x
        slope = turn.sin()  # of the derivative 1 + sin(2 a x), what is not 1
        # d/da of sin^2(a x) / a is (x sin(2 a x) - sin^2(a x) / a) / a, and sin^2(a x) is (1 - cos(2 a x)) / 2
        bend = turn.cos_().sub_(1).div_(2 * (alpha + EPSILON)).addcmul_(x, slope).mul_(gradient).sum(dim=(0, 2))
        return slope.add_(1).mul_(gradient).to(x.dtype), bend[:, None] / (alpha + EPSILON)


def start_at_level(conv: nn.Conv1d | nn.ConvTranspose1d, terms: int, gain: float = 1.0) -> None:
    """Let `conv`, which sums so many `terms`, change the level of noise by `gain`, and add nothing.

    PyTorch's own start lowers it by 1.7 in every layer: after the thirty of a codec its random biases are all that is heard.
    """
    nn.init.normal_(conv.weight, std=gain * terms**-0.5)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)


class CausalConv1d(Causal):
    """1-d convolution that looks only backwards.

    Shapes: x [B, C_in, T], state [B, C_in, P] -> y [B, C_out, T / stride], state [B, C_in, P],
    where P = dilation * (kernel - 1) + 1 - stride samples are kept, and stride divides T. With weight normalisation (`normed`), it starts by
    changing the level by `gain`; without, as PyTorch starts it.
    """

    num_states = 1

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel_size: int,
        stride: int = 1,
        dilation: int = 1,
        normed: bool = True,
        gain: float = 1.0,
    ):
        super().__init__()
        conv = nn.Conv1d(channels_in, channels_out, kernel_size, stride, dilation=dilation)
        if normed:
            start_at_level(conv, channels_in * kernel_size, gain)
        self.conv = weight_norm(conv) if normed else conv
        self.past = dilation * (kernel_size - 1) + 1 - stride

    def silence(self, batch_size: int) -> State:
        return [self.conv.bias.new_zeros(batch_size, self.conv.in_channels, self.past)]

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        x = torch.cat([state[0].to(x.dtype), x], dim=-1)  # [B, C_in, P + T]
        return self.conv(x), [x[..., x.shape[-1] - self.past :]]


class CausalConvTranspose1d(Causal):
    """Transposed convolution with a kernel of two strides: every input frame writes two strides, the second of which overlaps the next.

    Shapes: x [B, C_in, F], state [B, C_out, stride] -> y [B, C_out, F stride], state [B, C_out, stride].
    """

    num_states = 1

    def __init__(self, channels_in: int, channels_out: int, stride: int):
        super().__init__()
        conv = nn.ConvTranspose1d(channels_in, channels_out, 2 * stride, stride, bias=False)
        start_at_level(conv, 2 * channels_in)
        self.conv = weight_norm(conv, dim=1)
        self.bias = nn.Parameter(torch.zeros(channels_out, 1))
        self.stride = stride

    def silence(self, batch_size: int) -> State:
        return [self.bias.new_zeros(batch_size, self.conv.out_channels, self.stride)]

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y = self.conv(x)  # [B, C_out, (F + 1) stride]
        overlapped = functional.pad(state[0].to(y.dtype), (0, y.shape[-1] - self.stride)) + y
        return overlapped[..., : -self.stride] + self.bias.to(y.dtype), [overlapped[..., -self.stride :]]


def start_lapped(down: CausalConv1d, up: CausalConvTranspose1d, bands: int) -> None:
    """Let `down` take the MDCT of each of its first `bands` channels, and `up` bring them back, a stride later, from as many channels times the stride.

    What channels are left start as noise in `down` and unheard in `up`.
    """
    start = torch.from_numpy(basis(up.stride))  # [N, 2 N]
    there, back = down.conv.weight.detach().clone(), up.conv.weight.detach().clone()  # [wide, narrow, 2 N]
    there[: bands * up.stride], back[:, :bands] = 0, 0
    for band in range(bands):
        rows = slice(band * up.stride, (band + 1) * up.stride)
        there[rows, band], back[rows, band] = start, start
    down.conv.weight, up.conv.weight = there, back


def residual_unit(channels: int, dilation: int) -> Residual:
    """Snake, a dilated convolution, Snake, a pointwise one, all added to their input (DAC, arXiv:2306.06546, section 3.1)."""
    return Residual(
        Snake(channels),
        CausalConv1d(channels, channels, kernel_size=7, dilation=dilation),
        Snake(channels),
        CausalConv1d(channels, channels, kernel_size=1, gain=0.1),
    )


class ConvNeXtBlock(Causal):
    """Depthwise causal convolution, layer norm, a pointwise network some times as wide, scaled and added to the input.

    As in Vocos (arXiv:2306.00814, section 3.2), at frame rate; or, after ConvNeXt itself (arXiv:2201.03545, section 2), over frames and bins.
    Shapes: x [B, C, F] or [B, C, G, F] -> as x, state as that of `depthwise`.
    """

    num_states = 1

    def __init__(self, channels: int, depthwise: CausalDepthwise | None = None, expansion: int = 4):
        super().__init__()
        self.depthwise = depthwise or CausalDepthwise(channels, frames=7)
        self.norm = nn.LayerNorm(channels)
        self.wide = nn.Linear(channels, expansion * channels)
        self.narrow = nn.Linear(expansion * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), 0.1))  # small, so that the block begins near the identity

    def silence(self, batch_size: int) -> State:
        return self.depthwise.silence(batch_size)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, state = self.depthwise.step(x, state)
        y = self.narrow(functional.gelu(self.wide(self.norm(y.movedim(1, -1)))))  # [B, .., F, C]
        return x + (self.scale * y).movedim(-1, 1), state
