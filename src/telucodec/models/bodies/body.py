"""What a codec's body is: an encoder from waveform to latent frames and a decoder back, both causal."""

from dataclasses import dataclass

from telucodec.models.causal import Causal


@dataclass(frozen=True)
class Body:
    """The two halves of a codec around its quantizer."""

    encoder: Causal
    """Wave [B, 1, T] -> latent [B, D, T / hop]; hop divides T."""
    decoder: Causal
    """Latent [B, D, F] -> wave [B, 1, F hop]."""
    hop: int
    """Samples a latent frame stands for."""
    delay: int
    """Samples by which the decoder's output lags the encoder's input."""
