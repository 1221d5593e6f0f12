"""Opus on a line that loses packets: libopus as PyAV's wheels bring it, called directly, since FFmpeg's decoder never asks it for lost packets.

In-band redundancy (LBRR) is on, told how much is lost; a lost packet is decoded from the next one's copy, or concealed by the decoder's own means.
"""

import ctypes
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import av
import numpy as np

from telucodec.audio.media import SAMPLE_RATE

VOIP = 2048
SET_BITRATE, SET_VBR, SET_INBAND_FEC, SET_PACKET_LOSS_PERC, GET_LOOKAHEAD = 4002, 4006, 4012, 4014, 4027
LARGEST = 1500
"""Bytes of a packet."""


@cache
def _library() -> ctypes.CDLL:
    folder = Path(av.__file__).parent
    found = [*folder.parent.glob("av.libs/libopus-*"), *folder.glob(".dylibs/libopus*")]
    if not found:
        raise SystemExit("no libopus beside PyAV; install av from its wheel")
    library = ctypes.CDLL(str(found[0]))
    library.opus_encoder_create.restype = library.opus_decoder_create.restype = ctypes.c_void_p
    return library


def _right(code: int) -> int:
    if code < 0:
        raise RuntimeError(f"libopus says {code}")
    return code


def encode(wave: np.ndarray, kbps: float, packet_ms: int, loss_percent: int) -> tuple[list[bytes], int]:
    """Packets of `packet_ms` of `wave` float32 [T] at 16 kHz, and the samples by which what they decode to is late."""
    library, error, lookahead = _library(), ctypes.c_int(), ctypes.c_int()
    encoder = ctypes.c_void_p(library.opus_encoder_create(SAMPLE_RATE, 1, VOIP, ctypes.byref(error)))
    _right(error.value)
    settings = {SET_BITRATE: round(1000 * kbps), SET_VBR: 1, SET_INBAND_FEC: 1, SET_PACKET_LOSS_PERC: loss_percent}
    for request, value in settings.items():
        _right(library.opus_encoder_ctl(encoder, request, ctypes.c_int(value)))
    _right(library.opus_encoder_ctl(encoder, GET_LOOKAHEAD, ctypes.byref(lookahead)))
    size, packets, buffer = SAMPLE_RATE * packet_ms // 1000, [], ctypes.create_string_buffer(LARGEST)
    padded = np.pad(wave, (0, -(len(wave) + lookahead.value) % size + lookahead.value)).astype(np.float32)
    for place in range(0, len(padded), size):
        piece = np.ascontiguousarray(padded[place : place + size])
        pointer = piece.ctypes.data_as(ctypes.c_void_p)
        num_bytes = _right(library.opus_encode_float(encoder, pointer, size, buffer, LARGEST))
        packets.append(buffer.raw[:num_bytes])  # only now: `raw` is a copy
    library.opus_encoder_destroy(encoder)
    return packets, lookahead.value


def decode(packets: Sequence[bytes], lost: Sequence[bool], packet_ms: int) -> np.ndarray:
    """Sound float32 [T] of `packets` of which some are `lost`."""
    library, error = _library(), ctypes.c_int()
    decoder = ctypes.c_void_p(library.opus_decoder_create(SAMPLE_RATE, 1, ctypes.byref(error)))
    _right(error.value)
    size, pieces = SAMPLE_RATE * packet_ms // 1000, []
    for number, packet in enumerate(packets):
        following = packets[number + 1] if number + 1 < len(packets) and not lost[number + 1] else None
        data, from_copy = (packet, 0) if not lost[number] else (following, 1)  # nothing and no packet: concealed
        piece = np.zeros(size, np.float32)
        pointer = piece.ctypes.data_as(ctypes.c_void_p)
        _right(library.opus_decode_float(decoder, data, len(data or b""), pointer, size, from_copy if data else 0))
        pieces.append(piece)
    library.opus_decoder_destroy(decoder)
    return np.concatenate(pieces)
