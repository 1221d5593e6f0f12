"""Networks at frame rate between an MDCT and its inverse: 5 to 15 times fewer operations than on the waveform.

After Vocos (arXiv:2306.00814) and MDCTCodec (arXiv:2411.00464): frames in, ConvNeXt blocks, inverse transform out.
"""

from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional

from telucodec.audio.mdct import basis
from telucodec.models.bodies.body import Body
from telucodec.models.causal import Causal, Chain, State, Tanh
from telucodec.models.layers import CausalConv1d, ConvNeXtBlock
from telucodec.models.precision import in_float32

SCALE = 20.0
"""Brings the coefficients of speech at -26 dBFS, the level of telephone speech (ITU-T P.56), near 1."""


class Analysis(Causal):
    """MDCT. Shapes: wave [B, 1, F N], state [B, 1, N] -> coefficients, plain and with the magnitude's root, [B, 2 N, F]."""

    num_states = 1

    def __init__(self, hop: int):
        super().__init__()
        self.hop = hop
        self.register_buffer("basis", torch.from_numpy(basis(hop)), persistent=False)  # [N, 2 N]

    def silence(self, batch_size: int) -> State:
        return [self.basis.new_zeros(batch_size, 1, self.hop)]

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        x = torch.cat([state[0], x], dim=-1)
        pieces = x.reshape(len(x), -1, self.hop)  # [B, F + 1, N]
        frames = torch.cat([pieces[:, :-1], pieces[:, 1:]], dim=-1)  # [B, F, 2 N]
        with in_float32(x):
            coefficients = SCALE * functional.linear(frames, self.basis).transpose(1, 2)  # [B, N, F]
        rooted = coefficients.sign() * (coefficients.abs() + 1e-4).sqrt()
        return torch.cat([coefficients, rooted], dim=1), [x[..., x.shape[-1] - self.hop :]]


class Synthesis(Causal):
    """Inverse MDCT. Shapes: coefficients [B, N, F], state [B, 1, N] -> wave [B, 1, F N], which lags the analysis' input by N."""

    num_states = 1

    def __init__(self, hop: int):
        super().__init__()
        self.hop = hop
        self.register_buffer("basis", torch.from_numpy(basis(hop).T.copy()), persistent=False)  # [2 N, N]

    def silence(self, batch_size: int) -> State:
        return [self.basis.new_zeros(batch_size, 1, self.hop)]

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        with in_float32(x):
            coefficients = (x.float() / SCALE).transpose(1, 2).contiguous()  # else a product for each sound
            frames = functional.linear(coefficients, self.basis)  # [B, F, 2 N]
        tails = torch.cat([state[0], frames[..., self.hop :]], dim=1)  # [B, F + 1, N]
        wave = (frames[..., : self.hop] + tails[:, :-1]).reshape(len(x), 1, -1)
        return wave, [tails[:, -1:]]


class SpectralConfig(BaseModel):
    """Encoder and decoder at frame rate."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["spectral"] = "spectral"
    hop: Annotated[int, Field(ge=1, le=4096)] = 320
    """Samples between frames, and coefficients of one."""
    width: Annotated[int, Field(ge=1, le=4096)] = 256
    """Channels of the ConvNeXt blocks."""
    encoder_blocks: Annotated[int, Field(ge=0, le=64)] = 4
    decoder_blocks: Annotated[int, Field(ge=0, le=64)] = 6
    latent_dim: Annotated[int, Field(ge=1, le=4096)] = 64
    look_ahead: Annotated[int, Field(ge=0, le=63)] = 1
    """Frames by which the output waits, so that the decoder has heard what comes next."""
    tanh: bool = False
    """Whether the output is kept within full scale by tanh."""

    def build(self) -> Body:
        encoder = Chain(
            Analysis(self.hop),
            CausalConv1d(2 * self.hop, self.width, kernel_size=1, normed=False),
            *(ConvNeXtBlock(self.width) for _ in range(self.encoder_blocks)),
            CausalConv1d(self.width, self.latent_dim, kernel_size=1, normed=False),
        )
        decoder = Chain(
            CausalConv1d(self.latent_dim, self.width, kernel_size=3, normed=False),
            *(ConvNeXtBlock(self.width) for _ in range(self.decoder_blocks)),
            CausalConv1d(self.width, self.hop, kernel_size=1, normed=False),
            Synthesis(self.hop),
            *([Tanh()] if self.tanh else []),
        )
        return Body(encoder, decoder, self.hop, delay=self.hop * (1 + self.look_ahead))
