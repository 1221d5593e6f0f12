"""A call with nobody at the other end: what its decoder has of every frame, for whoever trains what repairs it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from telucodec.runtime.quantise import Restored, step_size
from telucodec.runtime.transform import TransformCodec
from telucodec.stream.channel import received
from telucodec.stream.decoder import Decoder
from telucodec.stream.encoder import Encoder
from telucodec.stream.packet import StreamPacket


@dataclass(frozen=True)
class Heard:
    """Frames of one packet, or one frame made up, and the step and the power in 32nds that they were quantised with, 1 and 0 where made up."""

    frames: Restored
    step: float
    power: int


class _Rehearsal(Decoder):
    """A decoder that remembers what it turned into sound."""

    def __init__(self, codec: TransformCodec, packet_frames: int):
        super().__init__(codec, packet_frames)
        self.heard: list[Heard] = []
        self._step = 1.0

    def _frames(self, packet: StreamPacket) -> tuple[Restored, int]:
        self._step = step_size(packet.step_index)
        return super()._frames(packet)

    def _sound(self, frames: Restored, power: int) -> np.ndarray:
        self.heard.append(Heard(frames, self._step, power) if frames.known else Heard(frames, 1.0, 0))
        return super()._sound(frames, power)


def rehearse(codec: TransformCodec, wave: np.ndarray, kbps: float, packet_frames: int, lost: Sequence[bool]) -> list[Heard]:
    """What arrives of `wave` [1, T] at `kbps` in packets of `packet_frames` over a line that loses those `lost`: all frames in turn."""
    encoder, decoder = Encoder(codec, kbps, packet_frames=packet_frames), _Rehearsal(codec, packet_frames)
    for _ in received(decoder, encoder.push(wave) + encoder.finish(), lost):
        pass
    return decoder.heard
