"""Live sound: samples in, packets out, as they come; and packets in, samples out, also where some are lost."""

from telucodec.stream.codec import load_live_codec
from telucodec.stream.decoder import Decoder
from telucodec.stream.encoder import Encoder

__all__ = ["Decoder", "Encoder", "load_live_codec"]
