"""A small Conformer (arXiv:2005.08100) that ends in CTC: log-mel frames in, log-probabilities of units out, a quarter as many frames.

After FastConformer (arXiv:2305.05084) frames are thinned by strided convolutions, depthwise from the second on. Positions are rotations
(RoFormer, arXiv:2104.09864). Batch norm looks at heard frames alone, so that the silence which fills a clip up changes nothing. Only the last
blocks attend: with hours of speech and not hundreds, attention in the first ones keeps CTC from finding what is said where (docs/experiments.md, 16).
"""

from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from telucodec.recognizer.features import steps_of
from telucodec.recognizer.units import BLANK

ROTARY_BASE = 10_000.0


class ConformerConfig(BaseModel):
    """Sizes of the network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: Annotated[int, Field(ge=8, le=1024)] = 144
    """Numbers for a frame within the network."""
    num_blocks: Annotated[int, Field(ge=1, le=32)] = 6
    num_attending: Annotated[int, Field(ge=0, le=32)] = 1
    """Blocks with attention, the last ones; more than there are is all."""
    num_heads: Annotated[int, Field(ge=1, le=16)] = 4
    """Of attention; each takes an even share of the width."""
    expansion: Annotated[int, Field(ge=1, le=8)] = 4
    """Of the width within feed-forward layers."""
    kernel: Annotated[int, Field(ge=3, le=63)] = 15
    """Frames that the convolution of a block sees, odd; 0.6 s."""
    channels: Annotated[int, Field(ge=4, le=512)] = 32
    """Of the convolutions that thin frames out."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1

    @model_validator(mode="after")
    def _sizes_fit(self) -> "ConformerConfig":
        if self.width % (2 * self.num_heads) or self.kernel % 2 == 0:
            raise ValueError("width must be a multiple of 2 num_heads, and kernel odd")
        return self

    def build(self, num_bands: int, num_units: int) -> "Conformer":
        return Conformer(self, num_bands, num_units)


class ClipDropout(nn.Module):
    """Leaves out numbers of a clip, the same in all its frames (arXiv:1512.05287): a thousandth of the random numbers, which cost much on a CPU."""

    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """x [B, F, D] -> [B, F, D]."""
        if not self.training or self.share == 0:
            return x
        kept = torch.rand(x.shape[0], 1, x.shape[2], device=x.device) >= self.share
        return x * (kept.to(x.dtype) / (1 - self.share))


class BatchNorm(nn.Module):
    """Batch norm of x [B, F, D] over the frames that are heard, bool [B, F]; over all without."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x: Tensor, heard: Tensor | None) -> Tensor:
        if heard is None or not self.training:
            return self.norm(x.flatten(0, 1)).view_as(x)
        found = torch.zeros_like(x)
        found[heard] = self.norm(x[heard]).to(x.dtype)
        return found


class FeedForward(nn.Sequential):
    """x [B, F, D] -> [B, F, D]."""

    def __init__(self, config: ConformerConfig):
        inner = config.expansion * config.width
        super().__init__(
            nn.LayerNorm(config.width),
            nn.Linear(config.width, inner),
            nn.SiLU(),
            ClipDropout(config.dropout),
            nn.Linear(inner, config.width),
            ClipDropout(config.dropout),
        )


class Attention(nn.Module):
    """Self-attention over the frames of a clip, with positions as rotations of queries and keys."""

    def __init__(self, config: ConformerConfig):
        super().__init__()
        self.num_heads = config.num_heads
        self.norm = nn.LayerNorm(config.width)
        self.inward = nn.Linear(config.width, 3 * config.width)
        self.outward = nn.Linear(config.width, config.width)
        self.dropout = ClipDropout(config.dropout)

    def forward(self, x: Tensor, heard: Tensor | None, cosine: Tensor, sine: Tensor) -> Tensor:
        """x [B, F, D], heard bool [B, F], cosine and sine [F, D / heads / 2] -> [B, F, D]."""
        batch, frames, width = x.shape
        parts = self.inward(self.norm(x)).view(batch, frames, 3, self.num_heads, width // self.num_heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each [B, heads, F, D / heads]
        query, key = rotated(query, cosine, sine), rotated(key, cosine, sine)
        # Written out: on CPUs the backward of torch's fused attention took a quarter of an update at these sizes.
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        if heard is not None:
            scores = scores.masked_fill(~heard[:, None, None], -torch.inf)
        mixed = scores.softmax(dim=-1).to(value.dtype) @ value
        return self.dropout(self.outward(mixed.transpose(1, 2).reshape(batch, frames, width)))


class Convolution(nn.Module):
    """The convolution module: gate, depthwise convolution, norm, swish."""

    def __init__(self, config: ConformerConfig):
        super().__init__()
        self.norm = nn.LayerNorm(config.width)
        self.inward = nn.Linear(config.width, 2 * config.width)
        self.depthwise = nn.Conv1d(config.width, config.width, config.kernel, padding=config.kernel // 2, groups=config.width)
        self.middle = BatchNorm(config.width)
        self.outward = nn.Linear(config.width, config.width)
        self.dropout = ClipDropout(config.dropout)

    def forward(self, x: Tensor, heard: Tensor | None) -> Tensor:
        """x [B, F, D], heard bool [B, F] -> [B, F, D]; what is not heard is silence to its neighbours."""
        x = nn.functional.glu(self.inward(self.norm(x)), dim=-1)
        if heard is not None:
            x = x * heard[..., None]
        x = self.depthwise(x.transpose(1, 2)).transpose(1, 2)
        return self.dropout(self.outward(nn.functional.silu(self.middle(x, heard))))


class Block(nn.Module):
    """Half a feed-forward layer, attention where it attends, convolution, the other half, norm."""

    def __init__(self, config: ConformerConfig, attends: bool):
        super().__init__()
        self.before, self.attention = FeedForward(config), Attention(config) if attends else None
        self.convolution, self.after = Convolution(config), FeedForward(config)
        self.norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor, heard: Tensor | None, cosine: Tensor, sine: Tensor) -> Tensor:
        x = x + 0.5 * self.before(x)
        if self.attention is not None:
            x = x + self.attention(x, heard, cosine, sine)
        x = x + self.convolution(x, heard)
        x = x + 0.5 * self.after(x)
        return self.norm(x)


class Conformer(nn.Module):
    """Frames [B, F, M] of clips with so many frames [B] each -> log-probabilities [B, F', N]; `steps_of` says how many count."""

    def __init__(self, config: ConformerConfig, num_bands: int, num_units: int):
        super().__init__()
        self.config = config
        channels, bands = config.channels, steps_of(num_bands)
        self.first = nn.Conv2d(1, channels, 3, stride=2, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, stride=2, padding=1, groups=channels)
        self.mixing = nn.Conv2d(channels, channels, 1)
        self.inward = nn.Linear(channels * bands, config.width)
        self.norm, self.dropout = BatchNorm(config.width), ClipDropout(config.dropout)
        first = config.num_blocks - config.num_attending
        self.blocks = nn.ModuleList(Block(config, attends=number >= first) for number in range(config.num_blocks))
        self.outward = nn.Linear(config.width, num_units)
        with torch.no_grad():
            # Most steps say nothing; to begin there saves the hundred updates that CTC otherwise spends on finding that out.
            self.outward.weight.mul_(0.1)
            self.outward.bias.zero_()
            self.outward.bias[BLANK] = 3.0
        half = config.width // config.num_heads // 2
        self.register_buffer("speeds", ROTARY_BASE ** (-torch.arange(half) / half), persistent=False)

    def forward(self, frames: Tensor, num_frames: Tensor | None = None) -> Tensor:
        """Without `num_frames` every clip fills the batch, and no mask is made: the graph of a bundle."""
        steps = None if num_frames is None else heard_of(steps_of(num_frames), steps_of(frames.shape[1]))
        x = frames if num_frames is None else frames * heard_of(num_frames, frames.shape[1])[..., None]
        x = nn.functional.silu(self.first(x[:, None]))  # [B, C, F / 2, M / 2]
        if num_frames is not None:
            x = x * heard_of((num_frames + 1) // 2, x.shape[2])[:, None, :, None]
        x = nn.functional.silu(self.mixing(self.second(x)))
        x = self.dropout(nn.functional.silu(self.norm(self.inward(x.transpose(1, 2).flatten(2)), steps)))  # [B, F / 4, D]
        angles = torch.arange(x.shape[1], device=x.device)[:, None] * self.speeds
        cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        for block in self.blocks:
            x = block(x, steps, cosine, sine)
        return self.outward(x).float().log_softmax(dim=-1)


def heard_of(num_frames: Tensor, most: int) -> Tensor:
    """Which of `most` frames [B, most] belong to clips of so many frames [B]."""
    return torch.arange(most, device=num_frames.device) < num_frames[:, None]


def rotated(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Pairs of numbers of x [..., F, D] turned by the angle of their frame and place."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)
