"""A trained codec as ONNX graphs: parameters frozen, weight norm folded, what layers remember as inputs and outputs."""

import io
import logging
import warnings
from contextlib import contextmanager, redirect_stdout

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from telucodec.export.bare import bare
from telucodec.models.causal import Causal, State
from telucodec.models.refinement import RefinementNet
from telucodec.models.synthesis import SynthesisNet
from telucodec.models.vq_codec import VQCodec

TRACED_FRAMES = 5
MOST_FRAMES = 4096


class EncoderGraph(nn.Module):
    """Wave [1, 1, F hop] and state -> codes int64 [1, K, F] and state."""

    def __init__(self, codec: VQCodec):
        super().__init__()
        self.encoder, self.quantizer = codec.encoder, codec.quantizer

    def forward(self, signal: Tensor, state: State) -> tuple[Tensor, State]:
        latent, after = self.encoder.step(signal, state)
        return self.quantizer.encode(latent), after


class DecoderGraph(nn.Module):
    """Codes int64 [1, K, F], N where nothing was sent, and state -> wave [1, 1, F hop] and state."""

    def __init__(self, codec: VQCodec):
        super().__init__()
        self.decoder, self.quantizer = codec.decoder, codec.quantizer

    def forward(self, signal: Tensor, state: State) -> tuple[Tensor, State]:
        return self.decoder.step(self.quantizer.decode(signal), state)


class StepGraph(nn.Module):
    """Features [1, I, F] and state -> output [1, O, F] and state."""

    def __init__(self, net: Causal):
        super().__init__()
        self.net = net

    def forward(self, signal: Tensor, state: State) -> tuple[Tensor, State]:
        return self.net.step(signal, state)


def fold(codec: VQCodec) -> VQCodec:
    """Write every weight norm of `codec` into its weights, for good, and freeze it."""
    for module in codec.modules():
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight")
    return codec.eval().requires_grad_(False)


def graphs(codec: VQCodec) -> tuple[bytes, bytes]:
    """Encoder and decoder of a folded `codec` as ONNX files, for any number of frames."""
    frames = torch.export.Dim("frames", min=1, max=MOST_FRAMES)
    wave = 0.1 * torch.randn(1, 1, codec.hop * TRACED_FRAMES)
    codes = torch.zeros(1, codec.quantizer.num_codebooks, TRACED_FRAMES, dtype=torch.int64)
    return (
        graph(EncoderGraph(codec), wave, codec.encoder, codec.hop * frames),
        graph(DecoderGraph(codec), codes, codec.decoder, frames),
    )


def synthesis_graph(net: SynthesisNet | RefinementNet) -> bytes:
    """The network as an ONNX file, for any number of frames."""
    told = torch.zeros(1, net.config.inputs, TRACED_FRAMES)
    return graph(StepGraph(net), told, net, torch.export.Dim("frames", min=1, max=MOST_FRAMES))


def graph(module: nn.Module, signal: Tensor, half: Causal, length: object) -> bytes:
    """`module`, which takes `signal` and the state of `half`, as an ONNX file for signals of any `length`."""
    state = half.silence(1)
    return exported(module, (signal, state), {"signal": {2: length}, "state": [None] * len(state)})


def exported(module: nn.Module, inputs: tuple, shapes: dict) -> bytes:
    """`module` as an ONNX file, traced with `inputs`, whose `shapes` say what may vary."""
    with _quiet():
        program = torch.onnx.export(module.eval(), inputs, dynamo=True, dynamic_shapes=shapes, verbose=False)
        return bare(program.model_proto.SerializeToString())


@contextmanager
def _quiet():
    """The exporter tells its own developers much; what matters here is raised."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
