import dataclasses
import struct
import zlib

import numpy as np
import pytest

from telucodec.bitstream.container import (
    HEADER_BYTES,
    Header,
    Packet,
    index_bytes,
    open_tlc,
    packet_place,
    read_index,
    read_packet,
    read_packets,
    salvage_packets,
)
from telucodec.errors import BitstreamError

HEADER = Header(b"\x01\x02\x03\x04", 16_000, 13, 250, 123_456)
PACKETS = [Packet(number, 500 + number, 60, bytes(range(number, number + 90 * number))) for number in range(3)]


def file_of(packets):
    coded = [packet.to_bytes() for packet in packets]
    return HEADER.to_bytes() + b"".join(coded) + index_bytes(list(map(len, coded)))


def test_header_comes_back():
    assert Header.from_bytes(HEADER.to_bytes()) == HEADER
    assert len(HEADER.to_bytes()) == HEADER_BYTES == 22


def test_length_may_need_all_of_its_five_bytes():
    long = dataclasses.replace(HEADER, num_samples=(1 << 40) - 1)
    assert Header.from_bytes(long.to_bytes()) == long


@pytest.mark.parametrize("change", [{"packet_frames": 4097}, {"packet_frames": 0}, {"sample_rate": 0}, {"power": 33}], ids=str)
def test_a_header_that_no_encoder_writes_is_refused(change):
    with pytest.raises(BitstreamError, match="no encoder writes"):
        Header.from_bytes(dataclasses.replace(HEADER, **change).to_bytes())


@pytest.mark.parametrize("place", range(HEADER_BYTES))
def test_any_damage_to_the_header_is_an_error(place):
    damaged = bytearray(HEADER.to_bytes())
    damaged[place] ^= 4
    with pytest.raises(BitstreamError):
        Header.from_bytes(bytes(damaged))


def test_packets_come_back_in_order():
    assert list(read_packets(file_of(PACKETS), 3)) == PACKETS
    assert list(read_packets(file_of(PACKETS), 3, first=2)) == PACKETS[2:]


def test_index_finds_packets_without_reading_those_before():
    data = file_of(PACKETS)
    place = packet_place(data, 3, 2)
    assert read_packet(data, place)[0] == PACKETS[2]
    assert read_index(data, 3) == [len(packet.to_bytes()) for packet in PACKETS]


def test_a_damaged_index_is_done_without():
    data = bytearray(file_of(PACKETS))
    data[-9] ^= 1
    assert read_index(bytes(data), 3) is None
    assert list(read_packets(bytes(data), 3, first=1)) == PACKETS[1:]


def test_an_index_of_absurd_size_is_done_without():
    assert read_index(file_of(PACKETS)[:-4] + struct.pack("<I", 0xFFFFFFFF), 3) is None


def test_a_length_beyond_the_file_is_an_error_before_memory_is_taken():
    prefix = b"\x00\xff\xff\x3f"  # packet 0, a megabyte
    with pytest.raises(BitstreamError, match="wrong length"):
        read_packet(prefix + struct.pack("<I", zlib.crc32(prefix)) + bytes(10), 0)


def test_no_packet_is_longer_than_sound_can_need():
    longest = Packet(0, 500, 60, bytes(1 << 19))
    assert read_packet(longest.to_bytes(), 0)[0] == longest
    with pytest.raises(BitstreamError, match="wrong length"):
        read_packet(dataclasses.replace(longest, payload=bytes((1 << 19) + 1)).to_bytes(), 0)


@pytest.mark.parametrize("lengths", [[5, 6], [5, 6, 7, 8]])
def test_an_index_of_more_or_fewer_packets_is_done_without(lengths):
    assert read_index(index_bytes(lengths), 3) is None


def test_no_more_is_looked_at_as_an_index_than_the_packets_need(monkeypatch):
    absurd, checked = index_bytes([5] * 10_000), []
    monkeypatch.setattr(zlib, "crc32", lambda data, start=0: checked.append(len(data)) or 0)
    assert read_index(absurd, 3) is None and sum(checked) <= 15


def test_a_packet_in_anothers_place_is_named():
    first, second, third = PACKETS
    with pytest.raises(BitstreamError, match="packet 1 lies where packet 0 belongs; .*--conceal"):
        list(read_packets(file_of([second, first, third]), 3))


def test_of_packets_with_one_number_the_first_is_salvaged_and_none_beyond_the_last():
    twin, beyond = dataclasses.replace(PACKETS[1], payload=b"twin"), dataclasses.replace(PACKETS[1], sequence=7)
    found = salvage_packets(file_of([beyond, PACKETS[1], twin, PACKETS[2]]), 3)
    assert found == {1: PACKETS[1], 2: PACKETS[2]}


def test_whole_packets_are_found_among_damaged_ones_wherever_they_lie():
    coded = [packet.to_bytes() for packet in PACKETS]
    damaged = coded[1][:40] + bytes([coded[1][40] ^ 1]) + coded[1][41:]
    data = HEADER.to_bytes() + b"noise" + coded[2] + damaged + coded[0] + coded[2]
    assert salvage_packets(data, 3) == {0: PACKETS[0], 2: PACKETS[2]}


@pytest.mark.parametrize("spoil", ["a bit", "its beginning"])
@pytest.mark.parametrize("whole_index", [True, False])
def test_all_whole_packets_of_a_long_file_are_found(spoil, whole_index):
    """What is damaged is searched for packets too, and random bytes look like many long ones."""
    packets = [Packet(number, 500, 60, np.random.bytes(3750)) for number in range(267)]
    coded = [packet.to_bytes() for packet in packets]
    damaged = [20, 60, 61, 90, 200, 266]
    for number in damaged:
        first = 50 if spoil == "a bit" else 0
        count = 1 if spoil == "a bit" else 16
        turned = bytes(byte ^ 0x15 for byte in coded[number][first : first + count])
        coded[number] = coded[number][:first] + turned + coded[number][first + count :]
    data = HEADER.to_bytes() + b"".join(coded) + (index_bytes(list(map(len, coded))) if whole_index else b"")
    assert salvage_packets(data, len(packets)).keys() == set(range(len(packets))) - set(damaged)


@pytest.mark.parametrize("sent_step_and_cut", [(1409, 60), (500, 81)])
def test_packets_that_no_encoder_writes_are_refused(sent_step_and_cut):
    with pytest.raises(BitstreamError, match="no encoder writes"):
        read_packet(Packet(0, *sent_step_and_cut, b"payload").to_bytes(), 0)


def test_on_the_way_to_a_later_packet_too_errors_name_theirs():
    data = bytearray(file_of(PACKETS))
    data[-9] ^= 1  # no index: packets are walked through
    data[len(HEADER.to_bytes()) + 7] ^= 1
    with pytest.raises(BitstreamError, match="packet 0 of 3"):
        list(read_packets(bytes(data), 3, first=2))


def test_errors_name_the_file_and_say_what_to_do(tmp_path):
    empty = tmp_path / "తెలుగు.tlc"
    empty.touch()
    with pytest.raises(BitstreamError, match="తెలుగు.tlc: empty file; .*telucodec encode"), open_tlc(empty):
        pass
    with pytest.raises(BitstreamError, match="none.tlc: cannot be read .*; check its name"), open_tlc(tmp_path / "none.tlc"):
        pass
    with pytest.raises(BitstreamError, match="is a folder; name a .tlc file"), open_tlc(tmp_path):
        pass

    for content in (b"TLC", b"a film of forty bytes, or somewhat more."):
        with pytest.raises(BitstreamError, match="a .tlc file.*; .*telucodec encode"):
            Header.from_bytes(content)


def test_an_index_of_numbers_that_do_not_end_is_done_without():
    body = b"\xff" * 6
    data = file_of(PACKETS)[: -8 - 5] + body + struct.pack("<II", zlib.crc32(body), len(body))
    assert read_index(data, 3) is None


def test_salvaging_checks_no_more_than_a_few_times_the_files_length(monkeypatch):
    checked = []
    crc32 = zlib.crc32
    monkeypatch.setattr(zlib, "crc32", lambda data, start=0: checked.append(len(data)) or crc32(data, start))
    data = HEADER.to_bytes() + bytes.fromhex("01ffff07") * 50_000
    checked.clear()
    assert salvage_packets(data, 1000) == {}
    assert sum(checked) < 30 * len(data)
