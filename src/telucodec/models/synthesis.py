"""The learned synthesis of the transform codec: it repairs decoded coefficients, frame by frame, and starts as the identity.

Coarse quantisation leaves holes and lonely partials; what should stand there can be told from the neighbourhood. The bitstream does not
depend on it, so it can be trained, changed or left out on its own. `runtime.synthesis` says what goes in and what is done with what comes out.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from telucodec.models.causal import Chain, State
from telucodec.models.layers import CausalConv1d, ConvNeXtBlock


class SynthesisConfig(BaseModel):
    """How wide and deep the network is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["synthesis"] = "synthesis"
    inputs: Annotated[int, Field(ge=1, le=4096)]
    """Features of a frame."""
    outputs: Annotated[int, Field(ge=1, le=4096)]
    width: Annotated[int, Field(ge=1, le=1024)] = 256
    """Channels of the ConvNeXt blocks."""
    blocks: Annotated[int, Field(ge=0, le=64)] = 5

    def build(self) -> "SynthesisNet":
        return SynthesisNet(self)


class SynthesisNet(Chain):
    """ConvNeXt blocks at frame rate, zero at the output before training. Shapes: features [B, inputs, F] -> [B, outputs, F]."""

    def __init__(self, config: SynthesisConfig):
        last = CausalConv1d(config.width, config.outputs, kernel_size=1, normed=False)
        nn.init.zeros_(last.conv.weight)
        nn.init.zeros_(last.conv.bias)
        super().__init__(
            CausalConv1d(config.inputs, config.width, kernel_size=3, normed=False),
            *(ConvNeXtBlock(config.width) for _ in range(config.blocks)),
            last,
        )
        self.config = config

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, after = super().step(x, state)
        return y.float(), after
