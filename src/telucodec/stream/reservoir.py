"""Choosing the step of live packets: bits saved in pauses are spent on speech, within a bound that holds for every stretch.

A bucket of tokens: it holds RESERVOIR_S seconds' worth of bits, every packet brings its share and takes what it costs. No packet may take more
than there is, so any stretch of T seconds takes at most rate * (T + RESERVOIR_S), whatever the sound.
"""

import math

from telucodec.runtime.quantise import STEP_UNITS
from telucodec.runtime.rate import FINER_PER_OCTAVE, likely_step

RESERVOIR_S = 1.0
SHARE = 0.25
"""One packet takes no more of what was saved: a burst is spread over many."""
SWING = 1.5
"""Octaves of rate between the step for a full reservoir and for an empty one."""
LEARNING_PER_S = 0.5
"""Octaves of rate a second by which the step moves while the reservoir stays full, or empty."""
MOST_LEARNED = 2.0
"""Octaves of rate that the sound may differ from usual speech of its loudness."""
FORGET_S = 10.0
"""In which the loudness that the step follows falls by half: it must outlast pauses, or their noise is coded like speech."""
FIRST_LOUDNESS = 0.01
"""RMS that is expected before anything was heard: quiet speech."""
HOLDING = 0.5
"""What is wanted in the reservoir, of all that it can hold."""
ACTIVE = 0.5
"""Packets that take less than this of their share teach nothing: finer steps for pauses would be a shock when speech comes."""


class Reservoir:
    """The bits at hand and the step that they suggest."""

    def __init__(self, bits_per_s: float, packet_s: float, mode: str):
        self._bits_per_s, self._packet_s, self._mode = bits_per_s, packet_s, mode
        self._size = RESERVOIR_S * bits_per_s
        self._held = HOLDING * self._size
        self._loudness = FIRST_LOUDNESS
        self._learned = 0.0

    def step_for(self, rms: float) -> tuple[float, float]:
        """Index of the step for the next packet, whose RMS is known, and the bits that it may take at most."""
        self._loudness = max(rms, self._loudness * 0.5 ** (self._packet_s / FORGET_S))
        income = self._bits_per_s * self._packet_s
        octaves = self._learned + SWING * (self._held / self._size - HOLDING)
        index = likely_step(self._loudness, self._bits_per_s, self._mode) + FINER_PER_OCTAVE[self._mode] * STEP_UNITS * octaves
        return index, income + SHARE * self._held

    def spent(self, bits: int) -> None:
        """That packet took `bits`."""
        income = self._bits_per_s * self._packet_s
        if bits > ACTIVE * income or self._held < HOLDING * self._size:
            self._learned += LEARNING_PER_S * self._packet_s * 2 * (self._held / self._size - HOLDING)
            self._learned = min(max(self._learned, -MOST_LEARNED), MOST_LEARNED)
        self._held = min(self._held + income - bits, self._size)
        assert self._held > -1 and math.isfinite(self._held)
