"""The jitter buffer: packets in any order, some late, some twice, some never; sound out at a steady pace."""

import numpy as np

from telucodec.errors import BitstreamError
from telucodec.stream.decoder import Decoder
from telucodec.stream.packet import MAX_BYTES

NUMBERS = 1 << 16
"""Packet numbers start again after so many."""
MOST_HELD = 256
"""More packets than that are not held, whatever comes."""
MOST_STRAYS = 10
"""So many packets, and twice the depth, that come too late or too early one after the other are a sound that began anew, or another clock."""
WATCHED = 50
"""Times of `next` in a row, 1 to 3 s, at each of which there were more packets than are to be held back: then the oldest of them are let go."""


class JitterBuffer:
    """Holds packets back for `depth` packets' time, so that those up to that late still count. One call of `next` plays one packet's time.

    It begins with whatever packet comes first, and again where numbers leap far. Where more lie here than `depth` asks for, since `next` was
    not called for a while or the sender's clock is faster, the oldest are skipped, so that sound is not late for the rest of the call.
    """

    def __init__(self, decoder: Decoder, depth: int):
        if not 0 <= depth < MOST_HELD:
            raise ValueError(f"a buffer holds 0 to {MOST_HELD - 1} packets")
        self._decoder = decoder
        self._due, self._first = -depth, 0  # numbers of the packet to play next, and of the first that there is
        self._held: dict[int, bytes] = {}
        self._depth, self._strays, self._begun = depth, 0, False
        self._spare: list[int] = []  # packets beyond the depth, at each `next`
        self.played, self.recovered, self.concealed, self.refused, self.skipped = 0, 0, 0, 0, 0

    def put(self, number: int, packet: bytes) -> None:
        """`packet` has arrived, the `number`th modulo NUMBERS. One that is late, far ahead or there already is dropped."""
        ahead = (number - self._due + NUMBERS // 2) % NUMBERS - NUMBERS // 2
        if len(packet) > MAX_BYTES:
            return
        if not self._begun and not max(-self._due, 0) <= ahead <= self._depth:  # a call that is joined
            self._due += (ahead - self._depth) % NUMBERS
            self._first, ahead = self._due + self._depth, self._depth
        self._begun = True
        if not 0 <= ahead < MOST_HELD:
            self._strays += 1
            if self._strays < MOST_STRAYS + 2 * self._depth:
                return
            self._due += (ahead - self._depth) % NUMBERS
            self._held.clear()
            ahead = self._depth
        self._strays = 0
        self._held.setdefault(self._due + ahead, packet)

    def next(self) -> np.ndarray:
        """Samples float32 [1, F HOP] of the next packet's time; of none while the buffer fills."""
        self._skip()
        number, self._due = self._due, self._due + 1
        if number < self._first:
            return np.zeros((1, 0), np.float32)
        packet = self._held.pop(number, None)
        if packet is not None:
            try:
                wave = self._decoder.push(packet)
            except BitstreamError:
                self.refused += 1
            else:
                self.played += 1
                return wave
        following = self._held.get(number + 1)
        wave = None if following is None else self._decoder.recover(following)
        if wave is not None:
            self.recovered += 1
            return wave
        self.concealed += 1
        return self._decoder.lose(following)

    def _skip(self) -> None:
        """Let go of the oldest packets, as many as were always too many of late."""
        self._spare.append(len(self._held) - self._depth - 1)
        if len(self._spare) < WATCHED:
            return
        too_many = min(self._spare)
        self._spare.clear()
        if too_many > 0:
            numbers = sorted(self._held)
            for number in numbers[:too_many]:
                del self._held[number]
            self._due, before = numbers[too_many], self._due
            self.skipped += self._due - before
