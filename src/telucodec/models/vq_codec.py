"""The codec of discrete codes: body and quantizer. A waveform becomes K codes a frame, [B, K, F], and a waveform again."""

import math
from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from telucodec.models.bodies import BodyConfig
from telucodec.models.quantizers import QuantizerConfig
from telucodec.models.quantizers.quantizer import Quantized


class VQCodecConfig(BaseModel):
    """A codec of discrete codes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_rate: Annotated[int, Field(ge=8_000, le=48_000)] = 16_000
    """Hz."""
    body: BodyConfig
    quantizer: QuantizerConfig

    @property
    def frame_rate(self) -> float:
        """Frames a second."""
        return self.sample_rate / self.body.hop

    @property
    def kbps(self) -> float:
        """Bits of all codes, before entropy coding and packets."""
        return self.quantizer.num_codebooks * math.log2(self.quantizer.codebook_size) * self.frame_rate / 1000

    def build(self) -> "VQCodec":
        return VQCodec(self)


class VQCodec(nn.Module):
    """Shapes: wave [B, 1, T] <-> codes [B, K, F], T a multiple of the hop length for `forward`."""

    def __init__(self, config: VQCodecConfig):
        super().__init__()
        self.config = config
        body = config.body.build()
        self.encoder, self.decoder = body.encoder, body.decoder
        self.hop, self.delay = body.hop, body.delay
        self.quantizer = config.quantizer.build(config.body.latent_dim)

    def forward(self, wave: Tensor, active: Tensor | None = None) -> tuple[Tensor, Quantized]:
        """The estimate [B, 1, T - delay] of wave[..., : T - delay], and what was quantised."""
        quantized = self.quantizer(self.encoder(wave), active)
        return self.decoder(quantized.latent).float()[..., self.delay :], quantized

    def encode(self, wave: Tensor) -> Tensor:
        """Codes [B, K, F] of a whole sound [B, 1, T] of any length, with the silence after it that the delay takes."""
        return self.quantizer.encode(self.encoder(self._padded(wave)))

    def encode_in_pieces(self, wave: Tensor, frames: int) -> Tensor:
        """The same, so many frames at a time: in memory that does not grow with the sound, for bodies that have a `step`."""
        state, codes = self.encoder.silence(len(wave)), []
        for piece in self._padded(wave).split(frames * self.hop, dim=-1):
            latent, state = self.encoder.step(piece, state)
            codes.append(self.quantizer.encode(latent))
        return torch.cat(codes, dim=-1)

    def _padded(self, wave: Tensor) -> Tensor:
        padding = -(wave.shape[-1] + self.delay) % self.hop + self.delay
        return nn.functional.pad(wave, (0, padding))

    def decode(self, codes: Tensor, num_samples: int) -> Tensor:
        """Wave [B, 1, num_samples] of the codes of a whole sound."""
        return self.decoder(self.quantizer.decode(codes))[..., self.delay : self.delay + num_samples]
