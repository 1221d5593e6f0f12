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
"""So many times in a row at which packets came, all of them too late or too early, are a sound that began anew."""
WATCHED = 50
"""Times of `next`, 1 to 3 s, by which it is judged whether packets are held back for too long or not long enough."""


class JitterBuffer:
    """Holds packets back for `depth` packets' time, so that those up to that late still count. One call of `next` plays one packet's time.

    It begins with whatever packet comes first, and again where numbers leap far. Where more lie here than `depth` asks for, since `next` was
    not called for a while or the sender's clock is faster, the oldest are skipped, so that sound is not late for the rest of the call. Where
    even the earliest packets come less than `depth` before they are due, since the sender's clock is slower, that much sound is made up.
    """

    def __init__(self, decoder: Decoder, depth: int):
        if not 0 <= depth < MOST_HELD:
            raise ValueError(f"a buffer holds 0 to {MOST_HELD - 1} packets")
        self._decoder = decoder
        self._due, self._first = -depth, 0  # numbers of the packet to play next, and of the first that there is
        self._held: dict[int, bytes] = {}
        self._depth, self._begun = depth, False
        self._strays: list[tuple[int, bytes]] = []  # those that came too late or too early since one came in time
        self._times_astray, self._last_astray = 0, 0
        self._lead: int | None = None  # how far before it is due the earliest packet came since the last `next`
        self._watched: list[tuple[int, int | None]] = []  # packets beyond the depth, and that lead, at each `next`
        self._to_make_up = 0
        self.played, self.recovered, self.concealed, self.refused, self.skipped = 0, 0, 0, 0, 0

    def put(self, number: int, packet: bytes) -> None:
        """`packet` has arrived, the `number`th modulo NUMBERS. One that is late, far ahead or there already is dropped."""
        ahead = self.behind(number)
        if len(packet) > MAX_BYTES:
            return
        if not self._begun and not max(-self._due, 0) <= ahead <= self._depth:  # a call that is joined
            self._due += (ahead - self._depth) % NUMBERS
            self._first, ahead = self._due + self._depth, self._depth
        self._begun = True
        if abs(ahead) < MOST_HELD:
            self._lead = ahead if self._lead is None else max(ahead, self._lead)
        if 0 <= ahead < MOST_HELD:
            self._times_astray = 0
            self._strays.clear()
            self._held.setdefault(self._due + ahead, packet)
        else:
            self._stray(number, packet, ahead)

    def behind(self, number: int) -> int:
        """How many packets before the `number`th, modulo NUMBERS, are still to be played; less than 0 where later ones were."""
        return (number - self._due + NUMBERS // 2) % NUMBERS - NUMBERS // 2

    def _stray(self, number: int, packet: bytes, ahead: int) -> None:
        """`packet` came too late, or far too early: begin anew with those that did of late, if nothing else has come for a while.

        Late ones that come all at once, behind a line that stood still, count once.
        """
        if ahead >= MOST_HELD or self._last_astray != self._due:
            self._times_astray, self._last_astray = self._times_astray + 1, self._due
        self._strays = [*self._strays[1 - MOST_STRAYS :], (number, packet)]
        if self._times_astray < MOST_STRAYS:
            return
        self._due += (ahead - self._depth) % NUMBERS
        strays, self._strays, self._times_astray, self._to_make_up = self._strays, [], 0, 0
        self._held = {}
        self._watched.clear()
        for old, stray in strays:
            if 0 <= (ahead := self.behind(old)) < MOST_HELD:
                self._held.setdefault(self._due + ahead, stray)

    def next(self) -> np.ndarray:
        """Samples float32 [1, F HOP] of the next packet's time; of none while the buffer fills."""
        self._keep_pace()
        if self._to_make_up:
            self._to_make_up -= 1
            self.concealed += 1
            return self._decoder.lose(self._held.get(self._due))
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

    def _keep_pace(self) -> None:
        """Let go of the oldest packets, as many as were always too many of late; or make up sound until the earliest packets lie here for `depth` again."""
        self._watched.append((len(self._held) - self._depth - 1, self._lead))
        self._lead = None
        if len(self._watched) < WATCHED:
            return
        too_many, leads = min(spare for spare, _ in self._watched), [lead for _, lead in self._watched if lead is not None]
        self._watched.clear()
        numbers = sorted(self._held)
        if too_many > 0 and self._held.keys() & {numbers[too_many] - 1, numbers[too_many] + 1}:  # not up to one that is far ahead by itself
            for number in numbers[:too_many]:
                del self._held[number]
            self._due, before = numbers[too_many], self._due
            self.skipped += self._due - before
        elif len(leads) > WATCHED // 2:
            self._to_make_up = max(self._depth - max(leads), 0)
