"""Packets of a .tlc file for a codec to decode, of whichever family: in order, from where they are wanted, damaged ones named."""

from collections.abc import Iterator
from mmap import mmap

import numpy as np

from telucodec.bitstream.container import HEADER_BYTES, Header, Packet, read_packets, salvage_packets
from telucodec.errors import BitstreamError

MOST_LOST = 10
"""A file of which less than one packet in so many is whole is refused rather than concealed."""


def read_header(data: bytes | mmap, identity: bytes | None = None, sample_rate: int | None = None) -> Header:
    """Header of a .tlc file. Raises BitstreamError unless it is whole and, where these are given, of that model and rate."""
    header = Header.from_bytes(data[:HEADER_BYTES])
    if identity is not None and header.identity != identity:
        raise BitstreamError(
            f"written by model {header.identity.hex()}, but this is model {identity.hex()}; pass --model with the folder it was encoded with"
        )
    if sample_rate is not None and header.sample_rate != sample_rate:
        raise BitstreamError(f"sampled at {header.sample_rate} Hz, this model is for {sample_rate} Hz")
    return header


def asked_samples(header: Header, start_s: float, duration_s: float | None) -> tuple[int, int]:
    """First sample and the one after the last of `duration_s` from `start_s` on, to the end where None, within the file."""
    start = min(max(round(start_s * header.sample_rate), 0), header.num_samples)
    return start, header.num_samples if duration_s is None else min(start + round(duration_s * header.sample_rate), header.num_samples)


def packets_from(data: bytes | mmap, count: int, first: int, concealed: list[str] | None) -> Iterator[Packet | None]:
    """Packets from number `first` of `count`; with a list for `concealed`, None for each damaged one, which is named there.

    Raises BitstreamError at the first that is damaged where there is no such list.
    """
    return read_packets(data, count, first) if concealed is None else _mended(data, count, first, concealed)


def _mended(data: bytes | mmap, count: int, first: int, concealed: list[str]) -> Iterator[Packet | None]:
    """Packets from number `first` up to the last whole one, None for each that is not, which `concealed` names."""
    if first >= count:
        return
    found = salvage_packets(data, count)
    end = max(found, default=-1) + 1
    if len(found) < max(end / MOST_LOST, 1) or end <= first:
        raise BitstreamError(f"{len(found)} of {count} packets are whole, too few to conceal the rest; fetch the file again")
    for sequence in range(first, end):
        if sequence not in found:
            concealed.append(f"packet {sequence}: missing or damaged")
        yield found.get(sequence)
    if end < count:
        gone = f"packet {end}" if end == count - 1 else f"packets {end} to {count - 1}"
        concealed.append(f"{gone}: missing, the sound ends there")


def undecoded(packet: Packet, error: BitstreamError) -> BitstreamError:
    """The `error` of a whole packet that does not decode, told to who does not conceal."""
    return BitstreamError(f"packet {packet.sequence}: {error}; fetch the file again, or pass --conceal to hear the rest")


def trimmed(pieces: Iterator[np.ndarray], start: int, end: int) -> Iterator[np.ndarray]:
    """Samples `start` to `end` of the `pieces` [T] put together, as windows [1, T]."""
    place = 0
    for piece in pieces:
        kept = piece[max(0, start - place) : max(0, end - place)]
        place += len(piece)
        if len(kept):
            yield kept[None]
