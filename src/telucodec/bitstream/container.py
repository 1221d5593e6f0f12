"""The .tlc file: a header, packets that each carry their own checksum, and an index of packets to seek by.

docs/bitstream.md specifies every byte. Nothing here trusts a length: what a file claims is held against what it holds
before memory is taken.
"""

import mmap
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from telucodec.errors import BitstreamError

MAGIC = b"TLC"
VERSION = 1
_FIXED = struct.Struct("<3sB4sHBH5sI")
HEADER_BYTES = _FIXED.size
MAX_PAYLOAD = 1 << 19
"""No packet is longer: 80,000 coefficients of 5 s of loud noise at the finest step take 6 bytes each at the most."""
MAX_VARINT_BYTES = 5
MAX_SENT_STEP, MAX_CUT = 1408, 80
"""The finest step there is, and 320 coefficients in fours."""
MAX_PACKET_FRAMES = 1 << 12
MAX_POWER = 32
CODES = 32
"""In the place of the envelope power: the packets hold codes of codebooks."""
CRC_SHARE = 20
"""Salvaging gives up after checking so many times the file's length: only a file made to take long needs more."""

GET_ANOTHER = "fetch it again, or make one with telucodec encode"


@dataclass(frozen=True)
class Header:
    """What a decoder needs before the first packet."""

    identity: bytes
    """First four bytes of the model's hash."""
    sample_rate: int
    """Hz."""
    power: int
    """Envelope power in 32nds, less than 32; 0 means that no envelope is sent, CODES that there are no coefficients either."""
    packet_frames: int
    """Frames of every packet but the last."""
    num_samples: int
    """Exact length of the sound."""

    def num_frames(self, hop: int, delay: int = 1) -> int:
        """Frames of the file: the last samples come out `delay` frames late; of overlapping windows, one."""
        return -(-self.num_samples // hop) + delay

    def num_packets(self, hop: int, delay: int = 1) -> int:
        return -(-self.num_frames(hop, delay) // self.packet_frames)

    def to_bytes(self) -> bytes:
        length = self.num_samples.to_bytes(5, "little")
        body = _FIXED.pack(MAGIC, VERSION, self.identity, self.sample_rate, self.power, self.packet_frames, length, 0)[:-4]
        return body + struct.pack("<I", zlib.crc32(body))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Header":
        """Header at the start of `data`. Raises BitstreamError unless it is whole."""
        if len(data) < HEADER_BYTES:
            raise BitstreamError(f"too short for a .tlc file ({len(data)} bytes); {GET_ANOTHER}" if data else f"empty file; {GET_ANOTHER}")
        magic, version, identity, sample_rate, power, packet_frames, length, crc = _FIXED.unpack(data[:HEADER_BYTES])
        if magic != MAGIC:
            raise BitstreamError(f"not a .tlc file; {GET_ANOTHER}")
        if version != VERSION:
            raise BitstreamError(f"version {version} of the format, this program reads version {VERSION}; install a newer telucodec")
        if crc != zlib.crc32(data[: HEADER_BYTES - 4]):
            raise BitstreamError("header is damaged; nothing can be decoded without it, fetch the file again")
        if not (0 < packet_frames <= MAX_PACKET_FRAMES and sample_rate > 0 and (power < MAX_POWER or power == CODES)):
            raise BitstreamError("header holds values no encoder writes")
        return cls(identity, sample_rate, power, packet_frames, int.from_bytes(length, "little"))


@dataclass(frozen=True)
class Packet:
    """Some frames, coded on their own."""

    sequence: int
    sent_step: int
    """The index of the step, counted from the coarsest; of codes, the number of codebooks sent."""
    cut: int
    """Coefficients sent of every frame, in fours; those above are zero."""
    payload: bytes

    def to_bytes(self) -> bytes:
        prefix = _varint(self.sequence) + _varint(len(self.payload))
        body = struct.pack("<HB", self.sent_step, self.cut) + self.payload
        return prefix + struct.pack("<I", zlib.crc32(body, zlib.crc32(prefix))) + body


def _varint(value: int) -> bytes:
    """`value` >= 0 in groups of seven bits, lowest first."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Number at `place` of `data` and the place after it. Raises BitstreamError where it does not end."""
    value = 0
    for index in range(MAX_VARINT_BYTES):
        if place + index >= len(data):
            break
        byte = data[place + index]
        value |= (byte & 127) << (7 * index)
        if byte < 128:
            return value, place + index + 1
    raise BitstreamError("number does not end")


def read_packet(data: bytes, place: int) -> tuple[Packet, int]:
    """Packet at `place` of `data` and the place after it. Raises BitstreamError unless it is whole and its checksum is right."""
    sequence, after, end = _read_head(data, place)
    crc, sent_step, cut = struct.unpack_from("<IHB", data, after)
    body = data[after + 4 : end]
    if crc != zlib.crc32(body, zlib.crc32(data[place:after])):
        raise BitstreamError("damaged")
    return Packet(sequence, sent_step, cut, body[3:]), end


def _read_head(data: bytes, place: int) -> tuple[int, int, int]:
    """Number of the packet at `place` of `data`, where its checksum lies, and where it ends. Raises BitstreamError where no packet begins so."""
    sequence, after = _read_varint(data, place)
    length, after = _read_varint(data, after)
    if length > MAX_PAYLOAD or after + 7 + length > len(data):
        raise BitstreamError("cut off, or states a wrong length")
    sent_step, cut = struct.unpack_from("<HB", data, after + 4)
    if sent_step > MAX_SENT_STEP or cut > MAX_CUT:
        raise BitstreamError("holds values no encoder writes")
    return sequence, after, after + 7 + length


def index_bytes(lengths: Sequence[int]) -> bytes:
    """Index of packets of `lengths` bytes, to be read from the end of the file; none for a single packet."""
    if len(lengths) < 2:
        return b""
    body = b"".join(map(_varint, lengths))
    return body + struct.pack("<II", zlib.crc32(body), len(body))


def read_index(data: bytes, packets: int) -> list[int] | None:
    """Lengths of the `packets` packets from the end of the file `data`, None where the index is missing or damaged."""
    if packets < 2 or len(data) < 8:
        return None
    crc, size = struct.unpack("<II", data[-8:])
    if size > MAX_VARINT_BYTES * packets:
        return None
    body = data[max(0, len(data) - 8 - size) : len(data) - 8]
    if len(body) != size or crc != zlib.crc32(body):
        return None
    lengths, place = [], 0
    try:
        while place < size:
            length, place = _read_varint(body, place)
            lengths.append(length)
    except BitstreamError:
        return None
    return lengths if len(lengths) == packets else None


def packet_place(data: bytes, packets: int, sequence: int) -> int:
    """Where packet `sequence` of the `packets` in the file `data` begins, by its index, else by walking from packet to packet."""
    lengths = read_index(data, packets) if sequence else []
    if lengths is not None:
        return HEADER_BYTES + sum(lengths[:sequence])
    place = HEADER_BYTES
    for number in range(sequence):
        _, place = _read_numbered(data, place, number, packets)
    return place


def read_packets(data: bytes, packets: int, first: int = 0) -> Iterator[Packet]:
    """Packets from number `first` to the last of the `packets` in the file `data`. Raises BitstreamError at the first that is damaged."""
    place = packet_place(data, packets, first)
    for sequence in range(first, packets):
        packet, place = _read_numbered(data, place, sequence, packets)
        yield packet


def _read_numbered(data: bytes, place: int, sequence: int, packets: int) -> tuple[Packet, int]:
    """Packet number `sequence` of `packets` at `place` of `data`, and the place after it. Raises BitstreamError where it is not there."""
    if place >= len(data):
        raise BitstreamError(f"file ends before packet {sequence} of {packets}; fetch it again, or pass --conceal to hear the rest")
    try:
        packet, end = read_packet(data, place)
    except BitstreamError as error:
        raise BitstreamError(
            f"packet {sequence} of {packets}: {error}; fetch the file again, or pass --conceal to hear the rest"
        ) from error
    if packet.sequence != sequence:
        raise BitstreamError(f"packet {packet.sequence} lies where packet {sequence} belongs; pass --conceal to hear it in order")
    return packet, end


def salvage_packets(data: bytes, packets: int) -> dict[int, Packet]:
    """Every whole packet found in the file `data`, wherever it lies, by its number; where a number comes twice the first counts."""
    found: dict[int, Packet] = {}
    place, checked = HEADER_BYTES, 0
    while place < len(data) and len(found) < packets:
        try:
            sequence, _, end = _read_head(data, place)
            if sequence >= packets:
                raise BitstreamError("no packet begins here")
            checked += end - place
            if checked > CRC_SHARE * len(data):
                break
            packet, place = read_packet(data, place)
        except BitstreamError:
            place += 1
        else:
            found.setdefault(packet.sequence, packet)
    return found


@contextmanager
def open_tlc(path: Path) -> Iterator[mmap.mmap]:
    """The bytes of the file `path`, read as they are needed. BitstreamErrors raised in the block are told with the path."""
    try:
        with open(path, "rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError as error:  # an empty file cannot be mapped
        raise BitstreamError(f"{path}: empty file; {GET_ANOTHER}") from error
    except IsADirectoryError as error:
        raise BitstreamError(f"{path}: is a folder; name a .tlc file") from error
    except OSError as error:
        raise BitstreamError(f"{path}: cannot be read ({error.strerror}); check its name and who may read it") from error
    with mapped as data:
        try:
            yield data
        except BitstreamError as error:
            raise BitstreamError(f"{path}: {error}") from error
