"""Choosing the step that gives an asked bitrate: a search while the sound fits in memory, a slow control loop beyond."""

import math
from collections import deque
from collections.abc import Callable

from telucodec.runtime.quantise import STEP_UNITS

COARSEST, FINEST = -6 * STEP_UNITS, 16 * STEP_UNITS
"""Range of the step's index around full scale: from 36 dB over it (everything is zero) to the last bit of 16-bit PCM."""
OFFSET = -COARSEST
"""Added to an index to send it as an unsigned number."""
TOLERANCE = 0.006
FINER_AT_6_KBPS = {"natural": -0.5, "fidelity": 0.4}
FINER_PER_OCTAVE = {"natural": 1.9, "fidelity": 1.3}
"""Where a search begins: octaves by which the step is finer than the sound's RMS at 6 kbps, and for each doubling of the rate."""
RECENT_PACKETS = 12
MOST_SURPLUS_S = 60.0
"""Seconds' worth of bits saved or overspent that are still made good; what is beyond is forgotten."""
PACKET_GAIN = 0.3
"""Octaves of the step by which the control loop answers a packet of twice its share of bits."""
SURPLUS_GAIN = 0.025
"""Octaves by which it answers a second's worth of bits too many so far, packet after packet, until they are made good."""


def likely_step(rms: float, bits_per_s: float, mode: str) -> int:
    """Index of the step that speech of that RMS usually needs."""
    finer = FINER_AT_6_KBPS[mode] + FINER_PER_OCTAVE[mode] * math.log2(bits_per_s / 6000)
    return round(STEP_UNITS * (finer - math.log2(max(rms, 1e-9))))


class Search:
    """Looks for the step whose cost `bits(index)`, rising with the index, comes closest to what is asked for."""

    def __init__(self, bits: Callable[[int], float], mode: str):
        self._bits, self._mode = bits, mode
        self.tried: dict[int, float] = {}
        """Bits by index, in the order of the trials."""

    @property
    def slope(self) -> float:
        """Octaves of rate for one unit of the step: what two trials tell, until then what speech usually has."""
        usual = 1 / (FINER_PER_OCTAVE[self._mode] * STEP_UNITS)
        if len(self.tried) < 2:
            return usual
        (index_a, cost_a), (index_b, cost_b) = list(self.tried.items())[-2:]
        measured = math.log2(cost_b / cost_a) / (index_b - index_a)
        return measured if measured > 0.1 / STEP_UNITS else usual

    def near(self, target_bits: float, guess: int) -> int:
        """The index of the trial that came closest to `target_bits`; trials begin at `guess`."""
        low, high, index = COARSEST, FINEST, min(max(guess, COARSEST), FINEST)
        while True:
            self.tried[index] = cost = max(self._bits(index), 1.0)
            error = math.log2(target_bits / cost)
            if abs(cost / target_bits - 1) < TOLERANCE:
                break
            low, high = (index, high) if error > 0 else (low, index)
            following = self.mended(index, cost / target_bits)
            if not low < following < high:
                following = (low + high) // 2
            if following in self.tried:
                following = index + (1 if error > 0 else -1)
            if following in self.tried or not COARSEST <= following <= FINEST:
                break
            index = following
        return min(self.tried, key=lambda index: abs(math.log2(self.tried[index] / target_bits)))

    def mended(self, index: int, missed: float) -> int:
        """Index near `index`, whose bits were `missed` times what is asked for, that should meet it."""
        return min(max(index - round(math.log2(missed) / self.slope), COARSEST), FINEST)


class StepControl:
    """Chooses the step of one packet after the other so that the file meets its rate, without what lies ahead.

    The loop may answer loud sound after long silence, or the reverse, with an absurd step; so a packet's step stays within one
    doubling of the rate that its own loudness, or the loudest of the last minute, usually asks for.
    """

    def __init__(self, index: int, bits_per_s: float, mode: str):
        self._index, self._bits_per_s, self._mode = index, bits_per_s, mode
        self._surplus_s = 0.0
        self._recent: deque[float] = deque(maxlen=RECENT_PACKETS)

    def step_for(self, rms: float) -> int:
        """Index for the next packet, whose RMS is known."""
        self._recent.append(rms)
        room = round(FINER_PER_OCTAVE[self._mode] * STEP_UNITS)
        coarsest = likely_step(max(self._recent), self._bits_per_s, self._mode) - room
        finest = likely_step(rms, self._bits_per_s, self._mode) + room
        self._index = min(max(self._index, coarsest, COARSEST), finest, FINEST)
        return self._index

    def spent(self, bits: int, duration_s: float) -> None:
        """That packet took `bits` for `duration_s` seconds."""
        packet_s = bits / self._bits_per_s - duration_s
        self._surplus_s = min(max(self._surplus_s + packet_s, -MOST_SURPLUS_S), MOST_SURPLUS_S)
        octaves = PACKET_GAIN * packet_s / duration_s + SURPLUS_GAIN * self._surplus_s
        self._index -= round(STEP_UNITS * octaves)
