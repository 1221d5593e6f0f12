"""A damaged .tlc never crashes, hangs, takes memory or passes for whole: 200 seeded corruptions of each kind of handling."""

import dataclasses
import random
import tracemalloc

import numpy as np
import pytest

from telucodec.bitstream.container import HEADER_BYTES, Header, read_packet
from telucodec.errors import BitstreamError
from telucodec.runtime.synthesis import LOOK_AHEAD
from telucodec.runtime.transform import TransformCodec

MEMORY_BYTES = 200_000_000


FRAMES = 25
"""Frames of a packet: half a second here, so that a short file holds five."""


@pytest.fixture
def clean(codec, telugu, monkeypatch):
    """A file of five packets."""
    monkeypatch.setattr("telucodec.runtime.transform.PACKET_FRAMES", FRAMES)
    return codec.encode(telugu[:, 16_000:][:, : 5 * FRAMES * 320 - 4000], kbps=6)


def pieces(data):
    """Header, packets, index."""
    count, place, packets = Header.from_bytes(data).num_packets(320), HEADER_BYTES, []
    for _ in range(count):
        _, after = read_packet(data, place)
        packets.append(data[place:after])
        place = after
    return data[:HEADER_BYTES], packets, data[place:]


def flip_bits(data):
    damaged = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 8, 64])):
        damaged[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def truncate(data):
    return data[: random.randrange(len(data))]


def duplicate_a_packet(data):
    header, packets, index = pieces(data)
    place = random.randrange(len(packets))
    packets.insert(random.randrange(len(packets)), packets[place])
    return header + b"".join(packets) + index


def swap_packets(data):
    header, packets, index = pieces(data)
    first, second = random.sample(range(len(packets)), 2)
    packets[first], packets[second] = packets[second], packets[first]
    return header + b"".join(packets) + index


def lose_packets(data):
    header, packets, index = pieces(data)
    for _ in range(random.randrange(1, len(packets))):
        packets.pop(random.randrange(len(packets)))
    return header + b"".join(packets) + index


def hostile_length_of_sound(data):
    header = dataclasses.replace(Header.from_bytes(data), num_samples=random.choice([0, 1, 1 << 20, 1 << 31, (1 << 40) - 1]))
    return header.to_bytes() + data[HEADER_BYTES:]


def hostile_packet_frames(data):
    header = dataclasses.replace(Header.from_bytes(data), packet_frames=random.choice([1, 7, 26, 4096]))
    return header.to_bytes() + data[HEADER_BYTES:]


def hostile_packet_length(data):
    header, packets, index = pieces(data)
    place = random.randrange(len(packets))
    packets[place] = (
        packets[place][:1]
        + random.choice([b"\xff\xff\xff\xff\x0f", b"\xff\xff\xff\xff\xff\xff", b"\x00", b"\xff\x7f"])
        + packets[place][3:]
    )
    return header + b"".join(packets) + index


def honest_checksum_over_nonsense(data):
    header, packets, index = pieces(data)
    place = random.randrange(len(packets))
    packet, _ = read_packet(packets[place], 0)
    payload = random.randbytes(random.choice([0, 1, 50, 5000]))
    changed = dataclasses.replace(
        packet, payload=payload, cut=random.choice([packet.cut, 0, 80, 81, 255]), sent_step=random.randrange(1 << 16)
    )
    packets[place] = changed.to_bytes()
    return header + b"".join(packets) + index


def noise_after_the_header(data):
    return data[:HEADER_BYTES] + random.randbytes(len(data))


CORRUPTIONS = [
    flip_bits,
    truncate,
    duplicate_a_packet,
    swap_packets,
    lose_packets,
    hostile_length_of_sound,
    hostile_packet_frames,
    hostile_packet_length,
    honest_checksum_over_nonsense,
    noise_after_the_header,
]


def survives(codec, clean, corrupt):
    """What any codec does with damage: an error, or nothing lost, or concealed and listed; never more memory or sound than is due."""
    original = codec.decode(clean)
    tracemalloc.start()
    for _ in range(200 // len(CORRUPTIONS)):
        data = corrupt(clean)
        same_packets = data[: len(clean) - 20] == clean[: len(clean) - 20]  # damage to nothing but the index loses nothing
        try:
            decoded = codec.decode(data)
        except BitstreamError as error:
            assert "\n" not in str(error)
            assert len(str(error)) > 5
        else:
            # An honest checksum over an honest length cannot be told from a file; damage can.
            assert same_packets or corrupt in (honest_checksum_over_nonsense, hostile_length_of_sound, hostile_packet_frames)
            assert np.isfinite(decoded).all()
            if same_packets and data[:HEADER_BYTES] == clean[:HEADER_BYTES]:
                np.testing.assert_array_equal(decoded, original)
        concealed: list[str] = []
        try:
            windows = list(codec.decode_from(data, concealed))
        except BitstreamError as error:
            assert "\n" not in str(error)
        else:
            heard = sum(window.shape[-1] for window in windows)
            assert heard <= Header.from_bytes(data).num_samples
            assert heard <= 10 * 6 * 4096 * 320
            assert all(np.isfinite(window).all() for window in windows)
            assert concealed or heard == Header.from_bytes(data).num_samples
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MEMORY_BYTES


@pytest.mark.parametrize("corrupt", CORRUPTIONS, ids=lambda corrupt: corrupt.__name__)
def test_damage_is_an_error_or_is_concealed_and_listed(codec, clean, corrupt):
    survives(codec, clean, corrupt)


def test_packets_in_the_wrong_order_are_put_right_when_concealing(codec, clean):
    concealed: list[str] = []
    header, packets, index = pieces(clean)
    swapped = header + b"".join([packets[1], packets[0], *packets[2:]]) + index
    decoded = np.concatenate(list(codec.decode_from(swapped, concealed)), axis=-1)
    np.testing.assert_array_equal(decoded, codec.decode(clean))
    assert concealed == []


def test_how_many_packets_a_cut_file_lost_is_said(codec, clean):
    header, packets, _ = pieces(clean)
    for kept, told in ((-1, f"packet {len(packets) - 1}: missing"), (-2, f"packets {len(packets) - 2} to {len(packets) - 1}: missing")):
        concealed: list[str] = []
        list(codec.decode_from(header + b"".join(packets[:kept]), concealed))
        (line,) = concealed
        assert line.startswith(told)


@pytest.mark.parametrize("repaired", [True, False])
def test_a_lost_packet_costs_that_packet_and_what_the_synthesis_remembers_of_it(codec, clean, repaired):
    codec = codec if repaired else TransformCodec(codec.model)
    around, after = (LOOK_AHEAD, codec.syntheses["natural"].memory) if repaired else (0, 0)  # frames
    concealed: list[str] = []
    header, packets, index = pieces(clean)
    decoded = np.concatenate(list(codec.decode_from(header + b"".join(packets[:2] + packets[3:]) + index, concealed)), axis=-1)
    original = codec.decode(clean)
    assert concealed == ["packet 2: missing or damaged"]
    assert decoded.shape == original.shape
    frames = Header.from_bytes(clean).packet_frames
    start, end = (2 * frames - 1 - around) * 320, 3 * frames * 320
    np.testing.assert_array_equal(decoded[:, :start], original[:, :start])
    np.testing.assert_allclose(decoded[:, end + after * 320 :], original[:, end + after * 320 :], atol=1e-6)
    assert np.abs(decoded[:, start:end]).max() <= 2 * np.abs(original).max()
    assert np.abs(decoded[:, end - 640 : end - 320]).max() < 0.05
