"""Choosing the step that gives an asked bitrate: by how bits rise with it while the sound fits in memory, a slow control loop beyond."""

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable

import numpy as np

from telucodec.bitstream.container import MAX_SENT_STEP
from telucodec.runtime.envelope import POWER_UNITS
from telucodec.runtime.quantise import STEP_UNITS

OFFSET = 6 * STEP_UNITS
"""Added to an index to send it as an unsigned number."""
COARSEST, FINEST = -OFFSET, MAX_SENT_STEP - OFFSET
"""Range of the step's index around full scale: from 36 dB over it (everything is zero) to the last bit of 16-bit PCM."""
SHAPES = {"natural": (1.6, 1.9, 13.0), "fidelity": (1.4, 2.32, 0.0)}
"""Bits of speech: a coefficient of x steps takes the second times log2(1 + x^first), the levels of a frame that is not silent the third."""
PER_OCTAVE = 8
OCTAVES = np.arange(-12, 28, 1 / PER_OCTAVE)
"""Classes of how far coefficients lie above their steps; those of the lowest take no bits."""
FINER_AT_6_KBPS = {"natural": 0.3, "fidelity": 0.3}
FINER_PER_OCTAVE = {"natural": 1.9, "fidelity": 1.25}
"""What speech usually needs: octaves by which the step is finer than the sound's RMS at 6 kbps, and for each doubling of the rate."""
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


class RateCurve:
    """How the bits of a sound rise with the index of its step: as the logarithms of its coefficients over their steps do.

    `scaled` are the packets' coefficients [F, N] over the steps that they have at index `reference`. The shape of the curve holds for all
    speech; how high it lies differs by a few percent, which one trial tells.
    """

    def __init__(self, scaled: Iterable[np.ndarray], reference: int, power: int):
        exponent, self._factor, level_bits = SHAPES["natural" if power else "fidelity"]
        self._counts, self._level_bits = np.zeros(len(OCTAVES)), 0.0
        for values in scaled:
            octaves = np.log2(np.maximum(np.abs(values), 2.0 ** OCTAVES[0])) - OCTAVES[0]
            self._counts += np.bincount((octaves * PER_OCTAVE).astype(np.int32).ravel(), minlength=len(OCTAVES))
            self._level_bits += level_bits * values.any(axis=1).sum()
        self._counts[0] = 0
        self._octaves, self._reference = exponent * OCTAVES, reference
        self._octaves_per_unit = exponent * (1 - power / POWER_UNITS) / STEP_UNITS  # levels, and steps with them, follow the file's step

    def bits(self, index: int) -> float:
        """Bits that the sound usually takes at the step of `index`."""
        octaves = self._octaves + (index - self._reference) * self._octaves_per_unit
        return float(self._factor * (self._counts @ np.logaddexp2(0, octaves)) + self._level_bits) + 1.0

    def index_for(self, bits: float) -> int:
        """Index of the step at which it usually takes `bits`."""
        index = bisect_left(range(COARSEST, FINEST), bits, key=self.bits) + COARSEST
        return index - (index > COARSEST and self.bits(index) + self.bits(index - 1) > 2 * bits)


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
