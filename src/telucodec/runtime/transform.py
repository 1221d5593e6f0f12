"""The transform codec: a waveform to a .tlc file and back, whole or in windows, with numpy and onnxruntime.

MDCT, envelope, rate-distortion optimised quantisation, integer context model, range coder, container; and the same way back, through the learned
synthesis where there is one.
"""

import hashlib
import io
import math
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from mmap import mmap
from types import MappingProxyType
from typing import BinaryIO

import numpy as np

from telucodec.audio.mdct import inverse_mdct, mdct
from telucodec.bitstream.container import CODES, HEADER_BYTES, MAX_PAYLOAD, Header, Packet, index_bytes
from telucodec.errors import BitstreamError, TelucodecError
from telucodec.runtime.conceal import conceal
from telucodec.runtime.entropy import EntropyCoder
from telucodec.runtime.frames import MAX_MAGNITUDE, Decoded, Frames, symbols_of
from telucodec.runtime.model import HOP, SAMPLE_RATE, TransformModel
from telucodec.runtime.packets import asked_samples, packets_from, read_header, trimmed, undecoded
from telucodec.runtime.quantise import STEP_UNITS, Restored, noise_signs, restore, scaled, step_size, used_fours
from telucodec.runtime.rate import COARSEST, FINEST, OFFSET, RateCurve, StepControl, likely_step
from telucodec.runtime.rate_distortion import cheapest
from telucodec.runtime.synthesis import LOOK_AHEAD, Syntheses, Synthesis
from telucodec.runtime.wave import checked

POWER_OF_MODE = {"natural": 10, "fidelity": 0}
"""Envelope power in 32nds by what is asked for: pleasant to hear, or close to the waveform."""
DEFAULT_KBPS = 6.0
PACKET_FRAMES = 250
"""5 s: what one damaged packet costs, and the grain of seeking; contexts that start afresh cost less than 1 % at this length."""
SEARCHED_PACKETS = 60
"""A sound of no more packets (5 minutes) is searched for its step as a whole, in memory."""
DB_PER_UNIT = 20 * np.log10(2) / STEP_UNITS
EVENED_PACKETS = 8
"""A sound of no more is cut into packets of equal length: side by side, short ones would wait for the longest."""
BATCH = 32
"""Packets decoded side by side."""
TRIED_PACKETS = 8
"""So many packets of a longer sound, evenly spread, are tried at a step in place of all, but for such that hold less than half their share of its bits."""
MOST_TRIALS, CLOSE_ENOUGH = 10, 16
"""Steps are tried until one is that near to what it says should be taken: there, a tenth more or less bits, that is as good as tried."""
MOST_OFF = 0.3
"""Octaves of rate by which a step so near is off at most, in speech; in noise a little more or less of it may be all or nothing."""
OVERHEAD_BITS = 8 * 13
"""About what a packet takes beside its ideal code length."""


class TransformCodec:
    """Encodes and decodes with one model; `syntheses` repair what modes decode."""

    sample_rate = SAMPLE_RATE
    hop = HOP
    delay = 1
    frame_rate = SAMPLE_RATE / HOP
    default_kbps = DEFAULT_KBPS
    modes = tuple(POWER_OF_MODE)
    why_missed = "too short, nearly silent, of very uneven loudness, noise all through, or asked for more than the finest step takes"

    def __init__(self, model: TransformModel, syntheses: Syntheses = MappingProxyType({})):
        self.model, self.syntheses = model, syntheses
        self.coder = EntropyCoder(model)

    @property
    def identity(self) -> str:
        """First four bytes of the model's hash, in hexadecimal."""
        return self.model.identity.hex()

    @property
    def digest(self) -> str:
        """Hash of all that the model is, in hexadecimal."""
        return self._hash(*sorted(self.syntheses))

    def digest_of(self, mode: str) -> str:
        """Hash of what decides how files of `mode` sound, in hexadecimal."""
        return self._hash(*{mode} & self.syntheses.keys())

    def _hash(self, *modes: str) -> str:
        return hashlib.sha256(b"".join([self.model.to_bytes(), *(self.syntheses[mode].read() for mode in modes)])).hexdigest()

    def synthesis_of(self, power: int) -> Synthesis | None:
        """The network that repairs what has envelope power `power`."""
        return self.syntheses.get("natural" if power else "fidelity")

    def encode(self, wave: np.ndarray, kbps: float | None = None, quality: float | None = None, mode: str = "natural") -> bytes:
        """A whole .tlc file of `wave` float32 [1, T]; see `encode_to`."""
        sink = io.BytesIO()
        self.encode_to(sink, [wave], kbps, quality, mode)
        return sink.getvalue()

    def encode_to(
        self, sink: BinaryIO, windows: Iterable[np.ndarray], kbps: float | None = None, quality: float | None = None, mode: str = "natural"
    ) -> Header:
        """Write a .tlc file of the sound in `windows` float32 [1, T] to the seekable `sink`, holding
        no more than five minutes of it in memory.

        `kbps` asks for an average bitrate of the whole file, DEFAULT_KBPS where neither is given; `quality` sets the step, in dB
        below full scale, or as near to that as integers hold what is louder than full scale. Raises ValueError for what is no such sound, rate or mode, TelucodecError where it is too loud or a packet cannot hold the quality.
        """
        if kbps is not None and quality is not None:
            raise ValueError("ask for kbps or for quality, not for both")
        if not (kbps is None or 0 < kbps < np.inf) or not (quality is None or np.isfinite(quality)):
            raise ValueError("kbps must be positive and finite, quality finite")
        if mode not in self.modes:
            raise ValueError(f"mode is one of {', '.join(self.modes)}")
        power = POWER_OF_MODE[mode]
        sound = _Sound(windows)
        pilot = list(islice(sound, SEARCHED_PACKETS if quality is None else EVENED_PACKETS))
        if sound.ended and len(pilot) <= EVENED_PACKETS:
            pilot = _evened(pilot)
        target = 1000 * (DEFAULT_KBPS if kbps is None else kbps)  # bits/s
        if quality is None:
            index = self._search(pilot, sound.num_samples, target, mode)
        else:
            index = min(max(round(quality / DB_PER_UNIT), COARSEST), FINEST)
        loop = None if quality is not None or sound.ended else StepControl(index, target, mode)
        sink.write(bytes(HEADER_BYTES))
        lengths: list[int] = []
        for coefficients in chain(pilot, sound):
            if loop:
                index = loop.step_for(rms(coefficients))
            packet = self._encode_packet(len(lengths), coefficients, index, power)
            sink.write(packet)
            lengths.append(len(packet))
            if loop:
                loop.spent(8 * len(packet), len(coefficients) / self.frame_rate)
        sink.write(index_bytes(lengths))
        header = Header(self.model.identity, SAMPLE_RATE, power, len(pilot[0]), sound.num_samples)
        sink.seek(0)
        sink.write(header.to_bytes())
        return header

    def _search(self, pilot: list[np.ndarray], num_samples: int, target: float, mode: str) -> int:
        """Index of the step at which the packets `pilot` make a file of `target` bits/s."""
        power = POWER_OF_MODE[mode]
        allowed = max(target * num_samples / SAMPLE_RATE - 8 * HEADER_BYTES - OVERHEAD_BITS * len(pilot), 1.0)
        likely = min(max(likely_step(rms(np.concatenate(pilot)), target, mode), COARSEST), FINEST)
        tried, usual = pilot, self._rate_curve(pilot, likely, power)
        usual_of_tried, every = usual, -(-len(pilot) // TRIED_PACKETS)
        if every > 1:
            some = self._rate_curve(pilot[::every], likely, power)
            if every * some.bits(likely) > usual.bits(likely) / 2:
                usual_of_tried, tried = some, pilot[::every]
        index, too_coarse, too_fine = usual.index_for(allowed), COARSEST, FINEST
        for _ in range(MOST_TRIALS):
            frames = (self._held(packet, index, power)[0] for packet in tried)
            bits = sum(self.coder.ideal_bits(quantised, 4 * used_fours(quantised), power) for quantised in frames)
            wanted = allowed * usual_of_tried.bits(index) / max(bits, 1.0)
            before, index, off = index, usual.index_for(wanted), abs(math.log2(wanted / usual.bits(index)))
            if abs(index - before) <= (CLOSE_ENOUGH if off < MOST_OFF else 1):
                break
            too_coarse, too_fine = (before, too_fine) if index > before else (too_coarse, before)
            if not too_coarse < index < too_fine:  # what is no speech may follow another curve
                index = (too_coarse + too_fine) // 2
        return index

    def _rate_curve(self, packets: list[np.ndarray], likely: int, power: int) -> RateCurve:
        return RateCurve((scaled(packet, step_size(likely), power, self.model.shaping) for packet in packets), likely, power)

    def _encode_packet(self, sequence: int, coefficients: np.ndarray, index: int, power: int) -> bytes:
        frames, index = self._held(coefficients, index, power)
        fours = used_fours(frames)
        payload = self.coder.encode(frames, 4 * fours, power)
        if len(payload) > MAX_PAYLOAD:
            raise TelucodecError(f"packet {sequence} would take {len(payload)} bytes, more than {MAX_PAYLOAD}; ask for a lower quality")
        return Packet(sequence, index + OFFSET, fours, payload).to_bytes()

    def _held(self, coefficients: np.ndarray, index: int, power: int) -> tuple[Frames, int]:
        """`coefficients` [F, N] by the step of `index`, or of the next coarser one at which integers hold the loudest, and that step's index."""
        while (most := symbols_of((frames := self._quantise(coefficients, step_size(index), power)).halves).max()) > MAX_MAGNITUDE:
            index -= math.ceil(STEP_UNITS * math.log2(most / MAX_MAGNITUDE))
        return frames, index

    def _quantise(self, coefficients: np.ndarray, step: float, power: int) -> Frames:
        return cheapest(coefficients, step, power, self.coder, self.model)

    def decode(self, data: bytes) -> np.ndarray:
        """The sound float32 [1, T] of a .tlc file in memory; see `decode_from`."""
        return np.concatenate([np.empty((1, 0), np.float32), *self.decode_from(bytes(data))], axis=-1)

    def decode_from(
        self, data: bytes | mmap, concealed: list[str] | None = None, start_s: float = 0.0, duration_s: float | None = None
    ) -> Iterator[np.ndarray]:
        """The sound of the .tlc file `data` in windows float32 [1, T]: all of it, exactly as long as what was encoded, or a part.

        Raises BitstreamError for a file of another model or at the first damage. With a list for `concealed`, damaged and
        missing packets are concealed instead and named there; a file that lost its end then ends early.
        """
        header = read_header(data, self.model.identity, SAMPLE_RATE)
        if header.power == CODES:
            raise BitstreamError("header holds values no encoder writes")
        start, end = asked_samples(header, start_s, duration_s)
        synthesis = self.synthesis_of(header.power)
        before, after = (synthesis.memory, LOOK_AHEAD) if synthesis else (0, 0)
        first = max(0, start // HOP - before) // header.packet_frames  # a sample in hop h is made of frames h and h + 1
        last = (end // HOP + 1 + after) // header.packet_frames
        packets = packets_from(data, header.num_packets(HOP), first, concealed)
        pieces = self._sound(self._frames(islice(packets, last + 1 - first), first, header, concealed), header.power)
        offset = (first * header.packet_frames - 1) * HOP
        yield from trimmed(pieces, start - offset, end - offset)

    def integers(self, data: bytes | mmap) -> Iterator[Decoded]:
        """What the packets of the .tlc file `data` hold, one after the other, for whoever counts symbols. Raises BitstreamError."""
        header = read_header(data, self.model.identity, SAMPLE_RATE)
        left = header.num_frames(HOP)
        for packet in packets_from(data, header.num_packets(HOP), 0, None):
            (decoded,) = self._decode_batch([packet], [min(header.packet_frames, left)], header.power)
            if isinstance(decoded, BitstreamError):
                raise decoded
            left -= header.packet_frames
            yield decoded

    def _sound(self, frames: Iterable[Restored], power: int) -> Iterator[np.ndarray]:
        """Sound [F HOP] of each stretch of `frames`."""
        tail = np.zeros(HOP, np.float32)
        synthesis = self.synthesis_of(power)
        passage = synthesis.begin() if synthesis else None
        early = LOOK_AHEAD
        for restored in chain(frames, [Restored.of(np.zeros((LOOK_AHEAD, HOP), np.float32))] if passage else []):
            if passage:
                coefficients, early = passage.push(restored, power)[early:], 0
            else:
                coefficients = restored.coefficients
            wave, tail = inverse_mdct(coefficients, tail)
            yield wave

    def _frames(self, packets: Iterator[Packet | None], number: int, header: Header, concealed: list[str] | None) -> Iterator[Restored]:
        """Frames of each packet in turn, the first being packet `number`; concealed where it is None or does not decode."""
        last = np.zeros(HOP, np.float32)
        first, frames = number * header.packet_frames, header.num_frames(HOP)
        batch_size = max(1, min(BATCH, BATCH * PACKET_FRAMES // header.packet_frames))
        while batch := list(islice(packets, batch_size)):
            counts = [min(header.packet_frames, frames - first - i * header.packet_frames) for i in range(len(batch))]
            decoded = self._decode_batch(batch, counts, header.power)
            for packet, count in zip(batch, counts, strict=True):
                restored = self._restored(packet, decoded.pop(0), noise_signs(first, count), last, header.power, concealed)
                last = restored.coefficients[-1]
                first += count
                yield restored

    def _restored(
        self,
        packet: Packet | None,
        result: Decoded | BitstreamError,
        signs: np.ndarray,
        last: np.ndarray,
        power: int,
        concealed: list[str] | None,
    ) -> Restored:
        """Frames of a `packet` that decoded to `result`, the frame before being `last`. They keep nothing of the batch it was decoded with."""
        if isinstance(result, Decoded):
            return restore(result, step_size(packet.sent_step - OFFSET), power, self.model, signs)
        if concealed is None:
            raise undecoded(packet, result)
        if packet is not None:
            concealed.append(f"packet {packet.sequence}: {result}")
        return Restored.of(conceal(last, signs))

    def _decode_batch(self, batch: list[Packet | None], counts: list[int], power: int) -> list[Decoded | BitstreamError]:
        """Integers of each packet; a BitstreamError in place of one that is missing or does not decode."""
        results: list[Decoded | BitstreamError] = [BitstreamError("missing")] * len(batch)
        sound = [i for i, packet in enumerate(batch) if packet]
        if sound:
            payloads, cuts = [batch[i].payload for i in sound], [4 * batch[i].cut for i in sound]
            for i, result in zip(sound, self.coder.decode(payloads, [counts[i] for i in sound], cuts, power), strict=True):
                results[i] = result
        return results


def _evened(packets: list[np.ndarray]) -> list[np.ndarray]:
    """The frames of `packets` in as many of equal length, but for a shorter last one."""
    frames = np.concatenate(packets)
    length = -(-len(frames) // len(packets))
    return [frames[first : first + length] for first in range(0, len(frames), length)]


def rms(coefficients: np.ndarray) -> float:
    """Root of the mean square of coefficients, which is that of their sound."""
    return float(np.sqrt(np.mean(coefficients**2)))


class _Sound:
    """The packets of a sound: iterates over coefficients [F, HOP], F = PACKET_FRAMES but for the last; knows its length when it ended."""

    def __init__(self, windows: Iterable[np.ndarray]):
        self.num_samples = 0
        self.ended = False
        self._packets = self._transform(iter(windows))

    def __iter__(self) -> Iterator[np.ndarray]:
        return self._packets

    def _transform(self, windows: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        held = np.zeros(HOP, np.float32)
        size = PACKET_FRAMES * HOP
        packets = 0
        for window in map(checked, windows):
            self.num_samples += window.shape[-1]
            held = np.concatenate([held, window[0]])
            while len(held) >= size + HOP:
                yield mdct(held[: size + HOP], HOP)
                held = held[size:]
                packets += 1
        self.ended = True
        frames = -(-self.num_samples // HOP) + 1 - packets * PACKET_FRAMES
        coefficients = mdct(np.pad(held, (0, (frames + 1) * HOP - len(held))), HOP)
        for first in range(0, frames, PACKET_FRAMES):  # where the last hop is not full, there is a frame more than a packet holds
            yield coefficients[first : first + PACKET_FRAMES]
