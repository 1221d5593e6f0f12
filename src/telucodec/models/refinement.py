"""The learned refinement of the transform codec's fidelity mode: it moves decoded coefficients towards their likely value, and starts as the identity.

A coefficient's neighbours in frequency and time, with their signs, tell something of what rounding took from it, of those that became
zero most. Networks over both axes learn that once for all of the spectrum. `runtime.synthesis` says what goes in and what is done with what comes out.
"""

from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from telucodec.models.causal import Causal, Chain, State
from telucodec.models.depthwise import CausalDepthwise
from telucodec.models.layers import ConvNeXtBlock

FOLD = 4
"""Bins of a group: the phase of the MDCT's cosines turns by about a quarter from bin to bin, so what a steady tone leaves around it repeats every four."""
PARTS = 4
"""Numbers told of a coefficient."""


class RefinementConfig(BaseModel):
    """How wide and deep the network is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["refinement"] = "refinement"
    bins: Annotated[int, Field(ge=FOLD, le=4096, multiple_of=FOLD)]
    """Coefficients of a frame, from the lowest, that it looks at and moves."""
    width: Annotated[int, Field(ge=1, le=1024)] = 48
    """Channels of a group of bins."""
    blocks: Annotated[int, Field(ge=0, le=64)] = 4

    @property
    def inputs(self) -> int:
        """Features of a frame."""
        return PARTS * self.bins

    def build(self) -> "RefinementNet":
        return RefinementNet(self)


class Fold(Causal):
    """Convolution over the parts of neighbouring groups of bins and of frames, backwards only. Shapes: x [B, PARTS FOLD, G, F] -> [B, C, G, F]."""

    num_states = 1
    frames, reach = 3, 1

    def __init__(self, channels: int, groups: int):
        super().__init__()
        self.conv = nn.Conv2d(PARTS * FOLD, channels, (2 * self.reach + 1, self.frames), padding=(self.reach, 0))
        self.shape = (PARTS * FOLD, groups, self.frames - 1)

    def silence(self, batch_size: int) -> State:
        return [self.conv.bias.new_zeros(batch_size, *self.shape)]

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        x = torch.cat([state[0].to(x.dtype), x], dim=-1)
        return self.conv(x), [x[..., x.shape[-1] - self.frames + 1 :]]


class Place(Causal):
    """Adds what each group of bins is like by itself: the network's only knowledge of where it is. Shapes: x [B, C, G, F]."""

    def __init__(self, channels: int, groups: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels, groups, 1))

    def apply_to(self, x: Tensor) -> Tensor:
        return x + self.bias


class RefinementNet(Causal):
    """Zero at the output before training. Shapes: features [B, PARTS bins, F] -> what is added to coefficients, in steps, [B, bins, F]."""

    def __init__(self, config: RefinementConfig):
        super().__init__()
        self.config = config
        width, groups = config.width, config.bins // FOLD
        self.last = nn.Conv2d(width, FOLD, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        self.chain = Chain(
            Fold(width, groups),
            Place(width, groups),
            *(ConvNeXtBlock(width, CausalDepthwise(width, frames=5, bins=groups, reach=2), expansion=3) for _ in range(config.blocks)),
        )

    @property
    def num_states(self) -> int:
        return self.chain.num_states

    def silence(self, batch_size: int) -> State:
        return self.chain.silence(batch_size)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        folded = x.unflatten(1, (PARTS, self.config.bins // FOLD, FOLD)).transpose(2, 3).flatten(1, 2)  # [B, PARTS FOLD, G, F]
        y, after = self.chain.step(folded, state)
        return self.last(y).transpose(1, 2).flatten(1, 2).float(), after  # [B, G, FOLD, F] -> [B, bins, F]
