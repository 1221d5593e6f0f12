"""The codec of discrete codes: a waveform to a .tlc file and back, whole or in windows, with numpy and onnxruntime.

The same face as the transform codec. A packet's payload is the first n codes of each of its frames, range coded, with the bundle's
model of codes where it has one; n, the number of codebooks sent, is the packet's step and sets the bitrate. The encoder's and the
decoder's networks run on without a seam from packet to packet.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from mmap import mmap
from typing import BinaryIO

import numpy as np

from telucodec.bitstream.container import CODES, HEADER_BYTES, Header, Packet, index_bytes
from telucodec.bitstream.rangecoder import RangeReader, RangeWriter
from telucodec.errors import BitstreamError, ModelError, TelucodecError
from telucodec.runtime.bundle import CODES as CODES_FILE
from telucodec.runtime.bundle import DECODER, ENCODER, Bundle, Graph
from telucodec.runtime.codes import CodesCoder, CodesModel, Product
from telucodec.runtime.conceal import FADE
from telucodec.runtime.packets import asked_samples, packets_from, read_header, trimmed, undecoded
from telucodec.runtime.wave import checked

PACKET_FRAMES = 250
BLOCK_FRAMES = 50
"""Frames that a graph is given at once."""
BATCH = 8
"""Packets whose codes are decoded side by side."""


class CodesCodec:
    """Encodes and decodes with one bundle; `product` multiplies the integer matrices of its model of codes."""

    modes = ("codes",)
    why_missed = "codebooks are sent whole, so bitrates come in steps, and a short sound has its header to carry"

    def __init__(self, bundle: Bundle, product: Product = np.matmul):
        self.bundle, info = bundle, bundle.info
        self.sample_rate, self.hop, self.delay = info.sample_rate, info.hop, info.delay
        self.frame_rate = info.sample_rate / info.hop
        self.default_kbps = info.kbps_of(info.num_codebooks)
        self._encoder = Graph(bundle.encoder, str(bundle.folder / ENCODER))
        self._decoder = Graph(bundle.decoder, str(bundle.folder / DECODER))
        self._coder: CodesCoder | _EvenCoder = _EvenCoder(info.codebook_size)
        if bundle.codes:
            where = bundle.folder / CODES_FILE
            self._coder = CodesCoder(CodesModel.from_bytes(bundle.codes, info.num_codebooks, info.codebook_size, where), product)

    @property
    def identity(self) -> str:
        """First four bytes of the bundle's hash, in hexadecimal."""
        return self.bundle.identity.hex()

    @property
    def digest(self) -> str:
        """Hash of all that the model is, in hexadecimal."""
        return self.bundle.digest

    def digest_of(self, mode: str) -> str:
        """The same: there is one mode."""
        return self.digest

    def encode(self, wave: np.ndarray, kbps: float | None = None, quality: float | None = None, mode: str = "codes") -> bytes:
        """A whole .tlc file of `wave` float32 [1, T]; see `encode_to`."""
        sink = io.BytesIO()
        self.encode_to(sink, [wave], kbps, quality, mode)
        return sink.getvalue()

    def encode_to(
        self, sink: BinaryIO, windows: Iterable[np.ndarray], kbps: float | None = None, quality: float | None = None, mode: str = "codes"
    ) -> Header:
        """Write a .tlc file of the sound in `windows` float32 [1, T] to the seekable `sink`, holding a second of it in memory.

        `kbps` asks for the most codebooks whose codes usually take no more than that, all where it is not given. Raises ValueError for
        what is no such sound, rate or mode, TelucodecError where it is too loud and for a `quality`, which such a codec has no dial for.
        """
        if quality is not None:
            raise TelucodecError(f"{self.bundle.folder}: this kind of codec has no --quality; ask for --kbps")
        if not (kbps is None or 0 < kbps < np.inf):
            raise ValueError("kbps must be positive and finite")
        if mode not in self.modes:
            raise ValueError(f"mode is one of {', '.join(self.modes)}")
        info = self.bundle.info
        counts = range(info.num_codebooks, 1, -1)
        count = next((count for count in counts if kbps is None or info.kbps_of(count) <= kbps + 1e-9), 1)
        sound = _Blocks(windows, self.hop, self.delay)
        sink.write(bytes(HEADER_BYTES))
        lengths: list[int] = []
        for codes in _in_packets(self._codes(sound), PACKET_FRAMES):
            packet = Packet(len(lengths), count, 0, self._coder.encode(codes[:, :count])).to_bytes()
            sink.write(packet)
            lengths.append(len(packet))
        sink.write(index_bytes(lengths))
        header = Header(self.bundle.identity, self.sample_rate, CODES, PACKET_FRAMES, sound.num_samples)
        sink.seek(0)
        sink.write(header.to_bytes())
        return header

    def _codes(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Codes [F, K] of waves [F hop]."""
        state = self._encoder.silence()
        for block in blocks:
            codes, state = self._encoder.step(block[None, None], state)
            expected = 1, self.bundle.info.num_codebooks, len(block) // self.hop
            if codes.shape != expected or codes.min() < 0 or codes.max() >= self.bundle.info.codebook_size:
                raise ModelError(f"{self.bundle.folder / ENCODER}: gives other codes than those of its bundle; write it again")
            yield codes[0].T

    def codes(self, wave: np.ndarray) -> np.ndarray:
        """Codes [K, F] of a whole sound `wave` float32 [1, T], of all codebooks, as tokens for whoever wants such."""
        return np.concatenate(list(self._codes(_Blocks([wave], self.hop, self.delay)))).T

    def wave(self, codes: np.ndarray, num_samples: int) -> np.ndarray:
        """The sound float32 [1, num_samples] of `codes` [K, F]; entries of the codebook's size stand for nothing sent."""
        pieces, state = [np.zeros(0, np.float32)], self._decoder.silence()
        for place in range(0, codes.shape[1], BLOCK_FRAMES):
            piece, state = self._sound(codes[:, place : place + BLOCK_FRAMES].astype(np.int64), state)
            pieces.append(piece)
        return np.concatenate(pieces)[None, self.delay * self.hop :][:, :num_samples]

    def _sound(self, codes: np.ndarray, state: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        """Sound [F hop] of codes int64 [K, F] that follow `state`, and the state after it."""
        wave, state = self._decoder.step(codes[None], state)
        if wave.shape != (1, 1, codes.shape[1] * self.hop) or not np.isfinite(wave).all():
            raise ModelError(f"{self.bundle.folder / DECODER}: gives no sound as long as its codes; write it again")
        return wave[0, 0], state

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
        header = read_header(data, self.bundle.identity, self.sample_rate)
        if header.power != CODES:
            raise BitstreamError("header holds values no encoder writes")
        start, end = asked_samples(header, start_s, duration_s)
        # A part begins with the packet from which on the decoder remembers all that matters.
        first = max(0, start // self.hop - self.bundle.info.memory) // header.packet_frames
        last = max(0, -(-end // self.hop) + self.delay - 1) // header.packet_frames
        packets = packets_from(data, header.num_packets(self.hop, self.delay), first, concealed)
        pieces = self._waves(islice(packets, last + 1 - first), first, header, concealed)
        offset = (first * header.packet_frames - self.delay) * self.hop
        yield from trimmed(pieces, start - offset, end - offset)

    def _waves(self, packets: Iterator[Packet | None], number: int, header: Header, concealed: list[str] | None) -> Iterator[np.ndarray]:
        """Sound [F hop] of the packets from `number` on, a block of frames at a time.

        Where a packet does not decode, the last good codes sound again, fading; gains come out as late as the sound that they are for.
        """
        info, state = self.bundle.info, self._decoder.silence()
        first, frames = number * header.packet_frames, header.num_frames(self.hop, self.delay)
        last = np.full(info.num_codebooks, info.codebook_size, np.int64)  # nothing sent
        late = np.ones(self.delay + 1, np.float32)  # gains at the edges of frames that are still to come out
        while batch := list(islice(packets, BATCH)):
            counts = [min(header.packet_frames, frames - first - i * header.packet_frames) for i in range(len(batch))]
            for packet, count, result in zip(batch, counts, self._decoded(batch, counts), strict=True):
                if isinstance(result, BitstreamError):
                    if concealed is None:
                        raise undecoded(packet, result)
                    if packet is not None:
                        concealed.append(f"packet {packet.sequence}: {result}")
                    codes = np.repeat(last[:, None], count, axis=1)
                    gains = late[-1] * FADE ** np.arange(1, count + 1, dtype=np.float32)
                else:
                    codes, gains = np.full((info.num_codebooks, count), info.codebook_size, np.int64), np.ones(count, np.float32)
                    codes[: result.shape[1]] = result.T
                    last = codes[:, -1]
                edges = np.concatenate([late, gains])
                late = edges[count:]
                for place in range(0, count, BLOCK_FRAMES):
                    wave, state = self._sound(codes[:, place : place + BLOCK_FRAMES], state)
                    size = len(wave) // self.hop
                    yield wave if (edges[place : place + size + 1] == 1).all() else wave * self._ramps(edges[place : place + size + 1])
            first += sum(counts)

    def _ramps(self, edges: np.ndarray) -> np.ndarray:
        """Gain of every sample [F hop] between the gains at the `edges` [F + 1] of frames."""
        rising = (np.arange(self.hop, dtype=np.float32) + 1) / self.hop
        return (edges[:-1, None] + np.diff(edges)[:, None] * rising).ravel()

    def _decoded(self, batch: list[Packet | None], counts: list[int]) -> list[np.ndarray | BitstreamError]:
        """Codes [F, n] of each packet of F = counts frames; a BitstreamError in place of one that is missing or does not decode."""
        results: list[np.ndarray | BitstreamError] = [BitstreamError("holds values no encoder writes")] * len(batch)
        sent = [packet.sent_step if packet and not packet.cut else 0 for packet in batch]
        for count in {n for n in sent if 0 < n <= self.bundle.info.num_codebooks}:
            alike = [i for i, n in enumerate(sent) if n == count]
            decoded = self._coder.decode([batch[i].payload for i in alike], [counts[i] for i in alike], count)
            for i, codes in zip(alike, decoded, strict=True):
                results[i] = codes
        return results


class _EvenCoder:
    """Codes each as likely as the others, for a bundle without a model of codes; `CodesCoder` says what it does."""

    def __init__(self, size: int):
        self._size = size

    def encode(self, codes: np.ndarray) -> bytes:
        writer = RangeWriter()
        writer.write_even(codes.ravel(), self._size)
        return writer.to_bytes()

    def decode(self, payloads: Sequence[bytes], counts: Sequence[int], sent: int) -> list[np.ndarray | BitstreamError]:
        return [self._packet(payload, count, sent) for payload, count in zip(payloads, counts, strict=True)]

    def _packet(self, payload: bytes, count: int, sent: int) -> np.ndarray | BitstreamError:
        try:
            return RangeReader(payload).read_even(self._size, count * sent).reshape(count, sent)
        except BitstreamError as error:
            return error


class _Blocks:
    """A sound in waves [F hop], F = BLOCK_FRAMES but for the last, with the silence after it that the delay takes; knows its length at the end."""

    def __init__(self, windows: Iterable[np.ndarray], hop: int, delay: int):
        self.num_samples = 0
        self._blocks = self._cut(iter(windows), hop, delay)

    def __iter__(self) -> Iterator[np.ndarray]:
        return self._blocks

    def _cut(self, windows: Iterator[np.ndarray], hop: int, delay: int) -> Iterator[np.ndarray]:
        size, held = BLOCK_FRAMES * hop, np.zeros(0, np.float32)
        for window in map(checked, windows):
            self.num_samples += window.shape[-1]
            held = np.concatenate([held, window[0]])
            while len(held) >= size:
                yield held[:size]
                held = held[size:]
        rest = np.pad(held, (0, -len(held) % hop + delay * hop))
        for place in range(0, len(rest), size):
            yield rest[place : place + size]


def _in_packets(codes: Iterable[np.ndarray], frames: int) -> Iterator[np.ndarray]:
    """Codes [F, K] put together and cut into packets of `frames`, less in the last."""
    held, count = [], 0
    for piece in codes:
        held.append(piece)
        count += len(piece)
        while count >= frames:
            whole = np.concatenate(held)
            yield whole[:frames]
            held, count = [whole[frames:]], count - frames
    if count:
        yield np.concatenate(held)
