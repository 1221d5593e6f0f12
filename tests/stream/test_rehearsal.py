"""A rehearsed call is the call: what it remembers is what becomes sound."""

import numpy as np
import pytest

from telucodec.audio.mdct import inverse_mdct
from telucodec.runtime.model import HOP
from telucodec.runtime.quantise import measure_levels
from telucodec.stream import Decoder, Encoder
from telucodec.stream.channel import received
from telucodec.stream.rehearsal import rehearse


@pytest.mark.parametrize("frames", [1, 3])
def test_what_is_remembered_is_what_is_heard(codec, telugu, frames):
    lost = [number % 4 == 2 for number in range(telugu.shape[-1] // HOP + 4)]
    packets = (encoder := Encoder(codec, 12, packet_frames=frames)).push(telugu) + encoder.finish()
    sound = np.concatenate([*received(Decoder(codec, frames), packets, lost)], axis=-1)
    heard = rehearse(codec, telugu, 12, frames, lost)
    again, _ = inverse_mdct(np.concatenate([part.frames.coefficients for part in heard]), np.zeros(HOP, np.float32))
    np.testing.assert_allclose(again, sound[0], atol=1e-6)
    known = np.concatenate([np.full(len(part.frames.values), part.frames.known) for part in heard])
    assert known.tolist() == [not gone for gone in lost[: len(packets)] for _ in range(frames)]


def test_steps_are_those_of_the_packets(codec, telugu):
    heard = rehearse(codec, telugu, 12, 1, [number == 5 for number in range(telugu.shape[-1] // HOP + 4)])
    assert (heard[5].step, heard[5].power, heard[5].frames.known) == (1.0, 0, False)
    arrived = [part for part in heard if part.frames.known]
    assert len({part.step for part in arrived}) > 3 and {part.power for part in arrived} == {10}
    loud = max(arrived, key=lambda part: np.abs(part.frames.coefficients).max())
    measured = measure_levels(loud.frames.coefficients, loud.step)
    assert np.abs(measured[:, :8] - loud.frames.levels[:, :8]).mean() < 1.5  # levels are relative to the step, 6 dB to each


def test_a_line_that_loses_nothing_passes_everything_on(codec, telugu):
    packets = Encoder(codec, 12).push(telugu)
    decoder = Decoder(codec)
    expected = [decoder.push(packet) for packet in packets]
    assert all(map(np.array_equal, received(Decoder(codec), packets, [False] * len(packets)), expected))
