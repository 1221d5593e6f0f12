"""What a codec costs: parameters, and multiply-accumulates for a second of sound."""

from dataclasses import dataclass

import torch
from torch import nn

from telucodec.models.bodies.spectral import Analysis, Synthesis
from telucodec.models.vq_codec import VQCodecConfig

FRAMES = 8
"""Run through a codec to count."""


@dataclass(frozen=True)
class Complexity:
    """Of one codec, both halves; look-ups in codebooks are counted as the products they are."""

    parameters: int
    macs: float
    """Multiply-accumulates for a second of sound."""
    kbps: float
    """Of all codebooks, before entropy coding."""

    def __str__(self) -> str:
        return (
            f"{self.parameters / 1e6:.2f} M parameters, {self.macs / 1e9:.2f} G multiply-accumulates a second, up to {self.kbps:.1f} kbps"
        )


def complexity(config: VQCodecConfig) -> Complexity:
    """Count what `config` builds by running some silence through it."""
    codec = config.build().eval()
    macs = 0

    def count(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        nonlocal macs
        if isinstance(module, nn.LSTM):
            matrices = [parameter for name, parameter in module.named_parameters() if name.startswith("weight")]
            macs += inputs[0].shape[0] * sum(matrix.numel() for matrix in matrices)
            return
        weight = module.weight
        if isinstance(module, nn.ConvTranspose1d):
            macs += inputs[0].shape[-1] * weight.numel()
        elif isinstance(module, nn.Conv1d):
            macs += output.shape[-1] * weight.numel()
        else:
            macs += output.numel() // output.shape[-1] * weight.numel()

    for module in codec.modules():
        if isinstance(module, (nn.Conv1d, nn.ConvTranspose1d, nn.Linear, nn.LSTM)):
            module.register_forward_hook(count)
    with torch.no_grad():
        codec(torch.zeros(1, 1, FRAMES * codec.hop))
    macs *= config.frame_rate / FRAMES
    macs += sum(module.basis.numel() for module in codec.modules() if isinstance(module, (Analysis, Synthesis))) * config.frame_rate
    codebooks = [buffer for name, buffer in [*codec.named_buffers(), *codec.named_parameters()] if name == "quantizer.codebooks"]
    macs += sum(buffer.numel() for buffer in codebooks) * config.frame_rate
    parameters = sum(parameter.numel() for parameter in codec.parameters()) + sum(b.numel() for b in codebooks if not b.requires_grad)
    return Complexity(parameters, macs, config.kbps)
