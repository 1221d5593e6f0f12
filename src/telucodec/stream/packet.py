"""A packet of live sound: three bytes of header and the payload of one to three frames; docs/bitstream.md specifies it.

No number, no length, no checksum: what carries packets (UDP, RTP, WebRTC) has them. A packet may carry a coarse copy of the packet before it.
"""

import hashlib
from dataclasses import dataclass
from typing import Optional

from telucodec.errors import BitstreamError
from telucodec.runtime.model import HOP, TransformModel
from telucodec.runtime.quantise import STEP_UNITS
from telucodec.runtime.rate import COARSEST, FINEST, OFFSET
from telucodec.runtime.start import SHIPPED as STARTS

MOST_FRAMES = 3
MAX_BYTES = 1200
"""Fits into a datagram on any network; a decoder takes no more."""
HEADER_BYTES = 3
GRAIN = STEP_UNITS // 4
"""Steps are a quarter of an octave apart."""
CUT_GRAIN = 16
MAX_COPY_BYTES = 255
POWER_OF_MODE = {"fidelity": 0, "natural": 10}
"""Envelope power in 32nds: part of the format, since packets do not tell it."""
_MODES = tuple(POWER_OF_MODE)


def live_identity(model: TransformModel) -> bytes:
    """Four bytes that tell whether two ends read live packets alike: of the SHA-256 of the file of their model and the starts' file, one after the other."""
    return hashlib.sha256(model.to_bytes() + STARTS.read_bytes()).digest()[:4]


def checked_frames(frames: int) -> int:
    """`frames` of a packet. Raises ValueError for a number that no packet has."""
    if frames not in range(1, MOST_FRAMES + 1):
        raise ValueError(f"a packet has 1 to {MOST_FRAMES} frames, not {frames!r}")
    return frames


@dataclass(frozen=True)
class StreamPacket:
    """Some frames, coded on their own."""

    frames: int
    mode: str
    cut: int
    """Coefficients sent of every frame, a multiple of CUT_GRAIN; those above are zero."""
    step_index: int
    """A multiple of GRAIN."""
    start: int
    """Number of the `Start` of its contexts."""
    payload: bytes
    copy: Optional["StreamPacket"] = None
    """The packet before, once more and coarser."""

    @property
    def power(self) -> int:
        return POWER_OF_MODE[self.mode]

    def to_bytes(self) -> bytes:
        copied = b"" if self.copy is None else self.copy.to_bytes()
        first = (self.cut // CUT_GRAIN) << 3 | _MODES.index(self.mode) << 2 | self.frames
        second = (self.copy is not None) << 7 | (self.step_index + OFFSET) // GRAIN
        prefix = bytes([len(copied)]) + copied if copied else b""
        return bytes([first, second, self.start]) + prefix + self.payload

    @classmethod
    def from_bytes(cls, data: bytes, copies: bool = True) -> "StreamPacket":
        """The packet that `data`, bytes or a view of such, is. Raises BitstreamError where no encoder writes such."""
        data = bytes(data)
        if not HEADER_BYTES <= len(data) <= MAX_BYTES:
            raise BitstreamError(f"live packet: {len(data)} bytes, none has fewer than {HEADER_BYTES} or more than {MAX_BYTES}; drop it")
        first, second, start = data[:HEADER_BYTES]
        frames, mode, cut = first & 3, _MODES[first >> 2 & 1], (first >> 3) * CUT_GRAIN
        step_index = (second & 127) * GRAIN - OFFSET
        has_copy, place = second >> 7, HEADER_BYTES
        if not frames or cut > HOP or not COARSEST <= step_index <= FINEST or (has_copy and not copies):
            raise BitstreamError("live packet: holds values no encoder writes; drop it")
        copy = None
        if has_copy:
            size = data[place] if place < len(data) else 0
            place += 1 + size
            if place > len(data):
                raise BitstreamError("live packet: is cut off; drop it")
            copy = cls.from_bytes(data[place - size : place], copies=False)
        return cls(frames, mode, cut, step_index, start, data[place:], copy)
