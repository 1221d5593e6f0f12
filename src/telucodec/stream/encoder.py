"""Samples in, packets out: the transform codec frame by frame, with its rate held packet by packet."""

import math

import numpy as np

from telucodec.audio.mdct import mdct
from telucodec.errors import TelucodecError
from telucodec.runtime.entropy import EntropyCoder
from telucodec.runtime.envelope import measure_levels
from telucodec.runtime.frames import Frames
from telucodec.runtime.model import HOP, SAMPLE_RATE, TransformModel
from telucodec.runtime.quantise import STEP_UNITS, quantise, step_size
from telucodec.runtime.rate import COARSEST, FINER_PER_OCTAVE, FINEST, OFFSET
from telucodec.runtime.rate_distortion import cheaper
from telucodec.runtime.start import nearest_start, starts
from telucodec.runtime.synthesis import LOOK_AHEAD
from telucodec.runtime.transform import TransformCodec, rms
from telucodec.runtime.wave import checked
from telucodec.stream.packet import CUT_GRAIN, GRAIN, HEADER_BYTES, MAX_BYTES, MAX_COPY_BYTES, POWER_OF_MODE, StreamPacket, checked_frames
from telucodec.stream.reservoir import Reservoir

LEAST_BITS = 80
"""What a packet of silence is sure to fit into, with a copy twice that."""
MOST_KBPS = 64.0
COPY_COARSER = 6 * GRAIN
"""By so much is the step of a copy coarser: 9 dB."""
COPY_SHARE = 0.5
"""A copy that would take more of what a packet may take is left out."""
DECODER_BEHIND = 1 + LOOK_AHEAD
"""Frames by which a decoder with its synthesis lags."""


class Encoder:
    """Encodes one live sound. What `push` gives does not depend on how the sound was cut into pieces.

    Of T samples, any stretch of seconds T / 16,000 takes at most kbps * (T / 16,000 + RESERVOIR_S) kbit.
    """

    def __init__(self, codec: TransformCodec, kbps: float = 10.0, mode: str = "natural", packet_frames: int = 2, copies: bool = False):
        """`codec` is that of `load_live_codec`, the same at both ends. `packet_frames` of 20 ms each go into a packet.

        With `copies`, each carries a coarse one of the packet before it.
        """
        self.packet_frames, self._packet_s = checked_frames(packet_frames), packet_frames * HOP / SAMPLE_RATE
        if mode not in POWER_OF_MODE:
            raise ValueError(f"mode is one of {', '.join(POWER_OF_MODE)}")
        least_kbps = (2 if copies else 1) * LEAST_BITS / self._packet_s / 1000
        if not least_kbps <= kbps <= MOST_KBPS:
            raise TelucodecError(
                f"{kbps:g} kbps cannot be held with packets of {1000 * self._packet_s:g} ms; ask for {least_kbps:g} to {MOST_KBPS:g}"
            )
        self._coder, self._model, self._mode, self._copies = codec.coder, codec.model, mode, copies
        self._reservoir = Reservoir(1000 * kbps, self._packet_s, mode)
        self._held = np.zeros(HOP, np.float32)
        self._before: np.ndarray | None = None  # coefficients of the packet before
        self._before_that: np.ndarray | None = None
        self._step_before = 0

    @property
    def latency_ms(self) -> float:
        """From a sample's arrival at the microphone to its leaving the decoder, without network and computing: the packet and one more frame."""
        return 1000 * (self.packet_frames + 1) * HOP / SAMPLE_RATE

    def push(self, wave: np.ndarray) -> list[bytes]:
        """Packets that the samples `wave` float32 [1, T] complete. Raises ValueError for what is no such sound, TelucodecError where it is too loud."""
        self._held = np.concatenate([self._held, checked(wave)[0]])
        size, packets = self.packet_frames * HOP, []
        while len(self._held) >= size + HOP:
            # One packet at a time and from a fresh array, so that sums are added in one order however samples arrive.
            packets.append(self._packet(mdct(self._held[: size + HOP].copy(), HOP)))
            self._held = self._held[size:]
        return packets

    def finish(self) -> list[bytes]:
        """Packets of what was pushed and not yet sent, with silence until a decoder has given all of it, with its synthesis too."""
        size = self.packet_frames * HOP
        missing = -(len(self._held) - HOP) % size
        return self.push(np.zeros((1, missing + -(-DECODER_BEHIND * HOP // size) * size), np.float32))

    def _packet(self, coefficients: np.ndarray) -> bytes:
        index, allowed = self._reservoir.step_for(rms(coefficients))
        allowed = min(allowed, 8 * MAX_BYTES)
        index = _grained(index)
        copy = self._copy(allowed) if self._copies else None
        packet = self._stream_packet(coefficients, self._before, index, copy).to_bytes()
        while 8 * len(packet) > allowed and index > COARSEST:
            over = math.log2(8 * len(packet) / allowed)  # octaves of rate
            index = _grained(min(index - FINER_PER_OCTAVE[self._mode] * STEP_UNITS * over, index - GRAIN))
            packet = self._stream_packet(coefficients, self._before, index, copy).to_bytes()
        if 8 * len(packet) > allowed:  # sound far beyond full scale at a very low rate; the bound holds for that too
            packet = self._stream_packet(np.zeros_like(coefficients), None, index, copy).to_bytes()
        self._reservoir.spent(8 * len(packet))
        self._before_that, self._before, self._step_before = self._before, coefficients, index
        return packet

    def _copy(self, allowed: float) -> StreamPacket | None:
        """The packet before once more, coarser; None at the beginning and where it would take too much."""
        if self._before is None:
            return None
        copy = self._stream_packet(self._before, self._before_that, _grained(self._step_before - COPY_COARSER), None)
        size = 1 + HEADER_BYTES + len(copy.payload)
        return copy if 8 * size <= COPY_SHARE * allowed and size - 1 <= MAX_COPY_BYTES else None

    def _stream_packet(self, coefficients: np.ndarray, before: np.ndarray | None, index: int, copy: StreamPacket | None) -> StreamPacket:
        """`coefficients` [F, HOP] that follow `before`, quantised by the step of `index`."""
        power, step = POWER_OF_MODE[self._mode], step_size(index)
        frames, start = chosen(coefficients, before, step, power, self._coder, self._model)
        used = np.flatnonzero(frames.halves.any(axis=0))
        cut = 0 if used.size == 0 else (used[-1] // CUT_GRAIN + 1) * CUT_GRAIN
        payload = self._coder.written(frames, cut, power, starts()[start]).to_fewest_bytes()
        return StreamPacket(len(coefficients), self._mode, int(cut), index, start, payload, copy)


def chosen(
    coefficients: np.ndarray, before: np.ndarray | None, step: float, power: int, coder: EntropyCoder, model: TransformModel
) -> tuple[Frames, int]:
    """The frames of a packet of `coefficients` [F, HOP] that follow `before`, quantised by their bits, and the number of its start."""
    # Levels are smoothed over frames, so that of the frame before is looked at too.
    past = coefficients[:1] if before is None else before[-1:]
    both = quantise(np.concatenate([past, coefficients]), step, power, model.shaping)
    plain = Frames(both.halves[1:], None if both.levels is None else both.levels[1:])
    levels = measure_levels(coefficients[:1], step)[0] if plain.levels is None else plain.levels[0]
    start = nearest_start(levels)
    return cheaper(plain, coefficients, step, power, coder, model, starts()[start]), start


def _grained(index: float) -> int:
    """The nearest index of a step that a live packet can name."""
    return min(max(round((index + OFFSET) / GRAIN) * GRAIN - OFFSET, COARSEST), FINEST)
