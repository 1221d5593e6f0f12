"""The faults that wasted weeks, to be put in on purpose: what gates and signs are tried on, and what the ablations measure."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from telucodec.losses.sum import SumConfig
from telucodec.models.causal import Causal, Chain, State
from telucodec.models.quantizers.quantizer import Quantized
from telucodec.models.vq_codec import VQCodec
from telucodec.training.recipe import RunConfig

Broken = tuple[VQCodec, RunConfig]


class _BatchNormed(Causal):
    """What normalises by the batch."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return 0.1 * self.norm(x), []


class _Detached(Causal):
    """What stops gradients."""

    def apply_to(self, x: Tensor) -> Tensor:
        return x.detach()


def _no_straight_through(codec: VQCodec, config: RunConfig) -> Broken:
    whole = type(codec.quantizer)

    class Blocked(whole):
        """Hands out entries of its codebooks as they are, without the gradient that would pass them by."""

        def forward(self, latent: Tensor, active: Tensor | None = None) -> Quantized:
            quantized = whole.forward(self, latent, active)
            return quantized._replace(latent=quantized.latent.detach())

    codec.quantizer.__class__ = Blocked  # copies of the codec have it too
    return codec, config


def _detached_encoder(codec: VQCodec, config: RunConfig) -> Broken:
    codec.encoder = Chain(codec.encoder, _Detached())
    return codec, config


def _batch_norm(codec: VQCodec, config: RunConfig) -> Broken:
    codec.decoder = Chain(codec.decoder, _BatchNormed(1))
    return codec, config


def _codec_with(part: str, **changes: object) -> Callable[[VQCodec, RunConfig], Broken]:
    """The codec with other settings of its "quantizer" or "body"."""

    def put_in(codec: VQCodec, config: RunConfig) -> Broken:
        changed = config.model.model_copy(update={part: getattr(config.model, part).model_copy(update=changes)})
        torch.manual_seed(config.recipe.seed)
        return changed.build(), config.model_copy(update={"model": changed})

    return put_in


def _tiny_learning_rate(codec: VQCodec, config: RunConfig) -> Broken:
    optimiser = config.recipe.optimiser.model_copy(update={"learning_rate": 1e-5})
    return codec, config.model_copy(update={"recipe": config.recipe.model_copy(update={"optimiser": optimiser})})


def _l1_alone(codec: VQCodec, config: RunConfig) -> Broken:
    loss = SumConfig.model_validate({"terms": {"waveform": {"weight": 20.0, "loss": {"kind": "l1"}}}})
    return codec, config.model_copy(update={"recipe": config.recipe.model_copy(update={"loss": loss})})


FAULTS: dict[str, Callable[[VQCodec, RunConfig], Broken]] = {
    "no straight-through gradient": _no_straight_through,
    "detached encoder": _detached_encoder,
    "no k-means start": _codec_with("quantizer", k_means=False),
    "no revival of dead codes": _codec_with("quantizer", dead_share=0.0),
    "learning rate 1e-5": _tiny_learning_rate,
    "L1 alone": _l1_alone,
    "no tanh": _codec_with("body", tanh=False),
    "BatchNorm at the output": _batch_norm,
}
"""Each takes a sound codec and its settings and gives broken ones."""
