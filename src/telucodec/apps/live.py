"""A call of one machine with itself: microphone to speaker through UDP on 127.0.0.1, on a line that loses and delays packets as asked.

Both ends share the microphone's clock: whenever a packet is sent, one packet's time is played. A datagram is `live_identity` (4 bytes), the
packet's number (2 bytes) and the packet, as docs/bitstream.md says.
"""

import heapq
import math
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from statistics import median

import numpy as np

from telucodec.apps.sound_card import sound_card
from telucodec.audio.media import SAMPLE_RATE
from telucodec.errors import TelucodecError, one_line
from telucodec.stream import Decoder, Encoder
from telucodec.stream.channel import losses
from telucodec.stream.jitter import NUMBERS, JitterBuffer
from telucodec.stream.packet import MAX_BYTES, live_identity

HERE = "127.0.0.1"
_HEADER = struct.Struct("<4sH")
BLOCK = 160
"""Samples taken from the microphone at once."""


class Call:
    """One call; `sound` runs it. Counts what was sent, lost, and made up for."""

    def __init__(self, encoder: Encoder, decoder: Decoder, depth: int, lost: Iterator[bool], latest: int = 0, seed: int = 0):
        """`depth` packets are held back at the receiving end; the line delays each by 0 to `latest` packets' time, and drops what `lost` says."""
        self._identity, self._encoder, self._lost, self._latest = live_identity(decoder.model), encoder, lost, latest
        self._rng = np.random.default_rng(seed)
        self.buffer = JitterBuffer(decoder, depth)
        self._coding_ms, self._packet_ms = encoder.latency_ms + decoder.added_latency_ms, 20 * encoder.packet_frames
        self._held_back: list[int] = []  # packets between what was sent and what was played, at each packet's time
        self._under_way: list[tuple[int, int, bytes]] = []
        self._now = 0  # in packets' time
        self.sent, self.dropped, self.payload_bytes = 0, 0, 0

    def sound(self, windows: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """What is heard at the other end, float32 [1, T], while `windows` [1, T] are said at this one."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            receiver.bind((HERE, 0))
            receiver.setblocking(False)
            sender.connect(receiver.getsockname())
            receiver.connect(sender.getsockname())  # nobody else is heard
            for packet in self._packets(windows):
                self._send(sender, packet)
                self._receive(receiver)
                yield self.buffer.next()
                self._held_back.append(self.buffer.behind(self.sent))
            while self._under_way or self.buffer.behind(self.sent) > 0:
                self._deliver(sender)
                self._receive(receiver)
                yield self.buffer.next()

    @property
    def latency_ms(self) -> float:
        """Latency of coding, and what the line and the buffer held packets back for: the median over the call so far, NaN before it."""
        return self._coding_ms + self._packet_ms * (median(self._held_back) if self._held_back else math.nan)

    def _packets(self, windows: Iterable[np.ndarray]) -> Iterator[bytes]:
        for window in windows:
            yield from self._encoder.push(window)
        yield from self._encoder.finish()

    def _send(self, sender: socket.socket, packet: bytes) -> None:
        """Give `packet` to the line, which loses it or holds it for a while."""
        datagram = _HEADER.pack(self._identity, self.sent % NUMBERS) + packet
        if next(self._lost):
            self.dropped += 1
        else:
            heapq.heappush(self._under_way, (self.sent + int(self._rng.integers(self._latest + 1)), self.sent, datagram))
        self.payload_bytes += len(packet)
        self.sent += 1
        self._deliver(sender)

    def _deliver(self, sender: socket.socket) -> None:
        """One packet's time goes by: the socket gets what the line has held long enough."""
        while self._under_way and self._under_way[0][0] <= self._now:
            sender.send(heapq.heappop(self._under_way)[2])
        self._now += 1

    def _receive(self, receiver: socket.socket) -> None:
        """Put all that has come into the buffer; what is of another model or too short is no packet of this call."""
        while True:
            try:
                datagram = receiver.recv(_HEADER.size + MAX_BYTES + 1)
            except BlockingIOError:
                return
            if len(datagram) > _HEADER.size:
                identity, number = _HEADER.unpack_from(datagram)
                if identity == self._identity:
                    self.buffer.put(number, datagram[_HEADER.size :])


def line(share: float, burst: float, seed: int) -> Iterator[bool]:
    """`losses`, or a TelucodecError where no line is such."""
    try:
        return losses(share, burst, seed)
    except ValueError as error:
        raise TelucodecError(f"{error}; choose another --loss or --burst") from error


def microphone(stopped: Callable[[], bool]) -> Iterator[np.ndarray]:
    """What this machine's microphone hears, in blocks float32 [1, T], until `stopped()`. Raises TelucodecError where there is none."""
    card = sound_card("give a file")
    try:
        with card.InputStream(samplerate=SAMPLE_RATE, channels=1, dtype="float32") as stream:
            while not stopped():
                block, _ = stream.read(BLOCK)
                if not np.isfinite(block).all():
                    raise TelucodecError("the microphone gives numbers that are no sound; choose another, or give a file")
                yield block.T
    except (card.PortAudioError, ValueError) as error:
        raise TelucodecError(f"the microphone cannot be read ({one_line(error)}); plug one in, or give a file") from error


def play(windows: Iterable[np.ndarray]) -> int:
    """Play `windows` float32 [1, T] by this machine's speaker; return the number of samples. Raises TelucodecError where there is none."""
    card, num_samples = sound_card("write to a file with --out"), 0
    try:
        with card.OutputStream(samplerate=SAMPLE_RATE, channels=1, dtype="float32") as stream:
            for window in windows:
                stream.write(np.ascontiguousarray(window.T))
                num_samples += window.shape[-1]
    except card.PortAudioError as error:
        raise TelucodecError(f"nothing can be played ({one_line(error)}); write to a file with --out") from error
    return num_samples
