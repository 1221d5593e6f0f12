"""EnCodec's body (arXiv:2210.13438, section 3.1), so that its trained weights can be taken further: the modules are those of `transformers`."""

import math
from types import ModuleType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from telucodec.errors import ModelError
from telucodec.models.bodies.body import Body
from telucodec.models.causal import Causal, State
from telucodec.models.precision import in_float32

Width = Annotated[int, Field(ge=1, le=4096)]
Stride = Annotated[int, Field(ge=1, le=64)]
Kernel = Annotated[int, Field(ge=1, le=255)]


class EncodecBodyConfig(BaseModel):
    """Encoder and decoder of the causal EnCodec, 24 kHz mono; the names are those of its `config.json`, but for `latent_dim`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["encodec"] = "encodec"
    latent_dim: Width = 128
    """`hidden_size` there."""
    num_filters: Width = 32
    """Channels of the first layer; each stride doubles them."""
    upsampling_ratios: Annotated[tuple[Stride, ...], Field(min_length=1, max_length=8)] = (8, 5, 4, 2)
    """Strides of the decoder; their product is the hop length."""
    num_residual_layers: Annotated[int, Field(ge=0, le=64)] = 1
    num_lstm_layers: Annotated[int, Field(ge=1, le=64)] = 2
    kernel_size: Kernel = 7
    last_kernel_size: Kernel = 7
    residual_kernel_size: Kernel = 3
    dilation_growth_rate: Annotated[int, Field(ge=1, le=8)] = 2
    compress: Width = 2
    use_conv_shortcut: bool = True
    pad_mode: Literal["reflect", "constant", "replicate"] = "reflect"
    """What a layer takes for the time before a sound began."""

    @property
    def hop(self) -> int:
        return math.prod(self.upsampling_ratios)

    def build(self) -> Body:
        package = encodec_of_transformers()
        settings = package.EncodecConfig(hidden_size=self.latent_dim, **self.model_dump(exclude={"kind", "latent_dim"}))
        halves = package.EncodecEncoder(settings), package.EncodecDecoder(settings)
        return Body(*map(EncodecHalf, halves), self.hop, delay=0)


class EncodecHalf(Causal):
    """Encoder or decoder. It looks only backwards, but for its first frames, which take the reflected sound for what was before it.

    So a sound has to come whole: there is no `step`.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def silence(self, batch_size: int) -> State:
        raise ModelError(
            "a codec that began as EnCodec is not written as ONNX; `telucodec evaluate --model` measures it, "
            "for a bundle train one of the presets (`telucodec train --list`)"
        )

    def forward(self, x: Tensor) -> Tensor:
        with in_float32(x):  # its LSTM adds up over seconds
            return self.network(x.float())


def encodec_of_transformers() -> ModuleType:
    """The module of `transformers` with EnCodec's classes. Raises ModelError where it is not installed."""
    try:
        from transformers.models.encodec import modeling_encodec
    except ImportError as error:
        raise ModelError('EnCodec\'s modules are not installed; pip install "telucodec[encodec]"') from error
    return modeling_encodec
