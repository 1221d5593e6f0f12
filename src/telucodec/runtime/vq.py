"""The codec of discrete codes: a waveform to a .tlc file and back, whole or in windows, with numpy and onnxruntime.

The same face as the transform codec. A packet's payload is the first n codes of each of its frames, range coded; n, the number of
codebooks sent, is the packet's step and sets the bitrate. Networks run on without a seam from packet to packet.
"""

import io
from collections.abc import Iterable, Iterator
from itertools import islice
from mmap import mmap
from typing import BinaryIO

import numpy as np

from telucodec.bitstream.container import CODES, HEADER_BYTES, Header, Packet, index_bytes
from telucodec.bitstream.rangecoder import CodingTables, SymbolDecoder, encode_symbols, integer_frequencies
from telucodec.errors import BitstreamError, TelucodecError
from telucodec.runtime.bundle import DECODER, ENCODER, Bundle, Graph
from telucodec.runtime.packets import packets_from, read_header, trimmed

PACKET_FRAMES = 250
BLOCK_FRAMES = 50
"""Frames that a graph is given at once."""


class CodesCodec:
    """Encodes and decodes with one bundle."""

    def __init__(self, bundle: Bundle):
        self.bundle, info = bundle, bundle.info
        self.sample_rate, self.hop, self.delay = info.sample_rate, info.hop, info.delay
        self.frame_rate = info.sample_rate / info.hop
        self.default_kbps = info.num_codebooks * info.kbps_per_codebook
        self._encoder = Graph(bundle.encoder, str(bundle.folder / ENCODER))
        self._decoder = Graph(bundle.decoder, str(bundle.folder / DECODER))
        self._tables = CodingTables(integer_frequencies(np.ones((1, info.codebook_size))))

    @property
    def identity(self) -> str:
        """First four bytes of the bundle's hash, in hexadecimal."""
        return self.bundle.identity.hex()

    @property
    def digest(self) -> str:
        """Hash of all that the model is, in hexadecimal."""
        return self.bundle.digest

    def encode(self, wave: np.ndarray, kbps: float | None = None, quality: float | None = None, mode: str = "natural") -> bytes:
        """A whole .tlc file of `wave` float32 [1, T]; see `encode_to`."""
        sink = io.BytesIO()
        self.encode_to(sink, [wave], kbps, quality, mode)
        return sink.getvalue()

    def encode_to(
        self, sink: BinaryIO, windows: Iterable[np.ndarray], kbps: float | None = None, quality: float | None = None, mode: str = "natural"
    ) -> Header:
        """Write a .tlc file of the sound in `windows` float32 [1, T] to the seekable `sink`, holding a second of it in memory.

        `kbps` asks for the most codebooks whose codes take no more than that, all where it is not given. Raises ValueError for samples
        that are not finite, TelucodecError for a `quality`, which such a codec has no dial for.
        """
        if quality is not None:
            raise TelucodecError(f"{self.bundle.folder}: this kind of codec has no --quality; ask for --kbps")
        info = self.bundle.info
        asked = info.num_codebooks if kbps is None else int(kbps / info.kbps_per_codebook + 1e-9)
        count = min(max(asked, 1), info.num_codebooks)
        sound = _Blocks(windows, self.hop, self.delay)
        sink.write(bytes(HEADER_BYTES))
        lengths: list[int] = []
        for codes in _in_packets(self._codes(sound), PACKET_FRAMES):
            packet = Packet(len(lengths), count, 0, self._payload(codes[:, :count])).to_bytes()
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
            yield codes[0].T

    def codes(self, wave: np.ndarray) -> np.ndarray:
        """Codes [K, F] of a whole sound `wave` float32 [1, T], of all codebooks, as tokens for whoever wants such."""
        return np.concatenate(list(self._codes(_Blocks([wave], self.hop, self.delay)))).T

    def wave(self, codes: np.ndarray, num_samples: int) -> np.ndarray:
        """The sound float32 [1, num_samples] of `codes` [K, F]; entries of the codebook's size stand for nothing sent."""
        wave, _ = self._decoder.step(codes[None].astype(np.int64), self._decoder.silence())
        return wave[0, :, self.delay * self.hop :][:, :num_samples]

    def _payload(self, codes: np.ndarray) -> bytes:
        return encode_symbols(self._tables, codes.ravel(), np.zeros(codes.size, np.int64))

    def decode(self, data: bytes) -> np.ndarray:
        """The sound float32 [1, T] of a .tlc file in memory; see `decode_from`."""
        return np.concatenate([np.empty((1, 0), np.float32), *self.decode_from(data)], axis=-1)

    def decode_from(
        self, data: bytes | mmap, concealed: list[str] | None = None, start_s: float = 0.0, duration_s: float | None = None
    ) -> Iterator[np.ndarray]:
        """The sound of the .tlc file `data` in windows float32 [1, T]: all of it, exactly as long as what was encoded, or a part.

        Raises BitstreamError for a file of another model or at the first damage. With a list for `concealed`, damaged and
        missing packets are silent instead and named there; a file that lost its end then ends early.
        """
        header = read_header(data, self.bundle.identity, self.sample_rate)
        if header.power != CODES:
            raise BitstreamError("header holds values no encoder writes")
        start = min(round(start_s * self.sample_rate), header.num_samples)
        end = header.num_samples if duration_s is None else min(start + round(duration_s * self.sample_rate), header.num_samples)
        # A part begins with the packet from which on the decoder remembers all that matters.
        first = max(0, start // self.hop - self.bundle.info.memory) // header.packet_frames
        last = max(0, -(-end // self.hop) + self.delay - 1) // header.packet_frames
        packets = packets_from(data, header.num_packets(self.hop, self.delay), first, concealed)
        pieces = self._waves(islice(packets, last + 1 - first), first, header, concealed)
        offset = (first * header.packet_frames - self.delay) * self.hop
        yield from trimmed(pieces, start - offset, end - offset)

    def _waves(self, packets: Iterator[Packet | None], number: int, header: Header, concealed: list[str] | None) -> Iterator[np.ndarray]:
        """Sound [F hop] of the packets from `number` on, a block of frames at a time."""
        info, state = self.bundle.info, self._decoder.silence()
        first, frames = number * header.packet_frames, header.num_frames(self.hop, self.delay)
        for packet in packets:
            count = min(header.packet_frames, frames - first)
            codes = np.full((info.num_codebooks, count), info.codebook_size, np.int64)  # nothing sent
            if packet is not None:
                try:
                    codes[: packet.step_index] = self._decoded(packet, count).T
                except BitstreamError as error:
                    if concealed is None:
                        raise
                    concealed.append(f"packet {packet.sequence}: {error}")
            for place in range(0, count, BLOCK_FRAMES):
                wave, state = self._decoder.step(codes[None, :, place : place + BLOCK_FRAMES], state)
                yield wave[0, 0]
            first += count

    def _decoded(self, packet: Packet, count: int) -> np.ndarray:
        """Codes [F, n] of a packet of `count` frames."""
        sent = packet.step_index
        if not 0 < sent <= self.bundle.info.num_codebooks or packet.cut:
            raise BitstreamError("holds values no encoder writes")
        return SymbolDecoder(self._tables, packet.payload).decode(np.zeros(count * sent, np.int64)).reshape(count, sent)


class _Blocks:
    """A sound in waves [F hop], F = BLOCK_FRAMES but for the last, with the silence after it that the delay takes; knows its length at the end."""

    def __init__(self, windows: Iterable[np.ndarray], hop: int, delay: int):
        self.num_samples = 0
        self._blocks = self._cut(iter(windows), hop, delay)

    def __iter__(self) -> Iterator[np.ndarray]:
        return self._blocks

    def _cut(self, windows: Iterator[np.ndarray], hop: int, delay: int) -> Iterator[np.ndarray]:
        size, held = BLOCK_FRAMES * hop, np.zeros(0, np.float32)
        for window in windows:
            if not np.isfinite(window).all():
                raise ValueError("the sound holds samples that are not finite")
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
