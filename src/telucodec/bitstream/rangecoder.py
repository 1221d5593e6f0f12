"""Symbols <-> bytes by range coding, each symbol with the row of a table of integer frequencies.

Martin's range coder (1979) as implemented by `constriction`. Every alphabet is padded to one width so that a whole
packet is coded in one call. Frequencies are multiples of 2^-FREQUENCY_BITS, which float32 holds exactly, so both sides
derive the same integer CDF from them on every machine.
"""

import constriction
import numpy as np

from telucodec.errors import BitstreamError

FREQUENCY_BITS = 16
_FAMILY = constriction.stream.model.Categorical(perfect=False)


def integer_frequencies(probabilities: np.ndarray) -> np.ndarray:
    """Round rows [R, S] of probabilities to int32 frequencies >= 1 that add up to 2^FREQUENCY_BITS."""
    total = 1 << FREQUENCY_BITS
    rows = probabilities / probabilities.sum(axis=1, keepdims=True)
    frequencies = np.maximum(np.round(rows * total), 1).astype(np.int32)
    largest = frequencies.argmax(axis=1)
    frequencies[np.arange(len(frequencies)), largest] += total - frequencies.sum(axis=1)
    return frequencies


class CodingTables:
    """Integer frequencies [R, S] as the coder wants them, with the cost of every symbol in bits."""

    def __init__(self, frequencies: np.ndarray):
        self.probabilities = frequencies.astype(np.float32) / np.float32(1 << FREQUENCY_BITS)  # [R, S], exact
        self.bits = -np.log2(self.probabilities)  # [R, S]


class RangeWriter:
    """Symbols to bytes, one after the other."""

    def __init__(self) -> None:
        self._encoder = constriction.stream.queue.RangeEncoder()

    def write(self, symbols: np.ndarray, weights: np.ndarray) -> None:
        """Code `symbols` [n], each with its row of positive `weights` float32 [n, S]: integers, or these over a power of two, that
        add up to at most 2^24 units, so that float32 adds them exactly."""
        self._encoder.encode(symbols.astype(np.int32), _FAMILY, weights)

    def write_even(self, symbols: np.ndarray, size: int) -> None:
        """Code `symbols` [n], each of `size` that are as likely."""
        self._encoder.encode(symbols.astype(np.int32), constriction.stream.model.Uniform(size))

    def to_bytes(self) -> bytes:
        # The coder works in words of four bytes and the reader reads zeros past the end, so zeros there need not be sent.
        return self._encoder.get_compressed().astype("<u4").tobytes().rstrip(b"\0")

    def to_fewest_bytes(self) -> bytes:
        """The same, most significant bytes first and cut to the byte: two or three bytes less, for short packets.

        What was written is any number of an interval whose ends the coder's state tells; of those, the one with most zero bytes at its end.
        """
        words, (_, (lower, width)) = self._encoder.get_compressed(), self._encoder.pos()
        size = 4 * (self._encoder.pos()[0] + 2)  # the state's 64 bits follow the words that are done with
        chosen = int.from_bytes(words.astype(">u4").tobytes().ljust(size, b"\0"), "big")
        first = chosen - (chosen - lower) % (1 << 64)
        kept = size
        while kept and _rounded_up(first, size - kept + 1) < first + width:
            kept -= 1
        return (_rounded_up(first, size - kept) >> 8 * (size - kept)).to_bytes(kept, "big")


def _rounded_up(value: int, num_bytes: int) -> int:
    """The next number from `value` on whose last `num_bytes` bytes are zero."""
    return -(-value >> 8 * num_bytes) << 8 * num_bytes


def from_fewest_bytes(payload: bytes) -> bytes:
    """What `to_fewest_bytes` wrote, as `RangeReader` takes it."""
    return np.frombuffer(payload + bytes(-len(payload) % 4), ">u4").astype("<u4").tobytes()


class RangeReader:
    """Reads symbols back in the order in which they were coded. Raises BitstreamError where no encoder can have written them."""

    def __init__(self, payload: bytes):
        padded = payload + bytes(-len(payload) % 4)
        self._decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(padded, dtype="<u4").astype(np.uint32))

    def read(self, weights: np.ndarray) -> np.ndarray:
        """The next symbols, int32 [n], of rows of `weights` [n, S]."""
        try:
            return self._decoder.decode(_FAMILY, weights)
        except AssertionError as error:
            raise BitstreamError("packet does not decode with this model") from error

    def read_even(self, size: int, count: int) -> np.ndarray:
        """The next symbols, int32 [count], each of `size` that are as likely."""
        try:
            return self._decoder.decode(constriction.stream.model.Uniform(size), count)
        except AssertionError as error:
            raise BitstreamError("packet does not decode with this model") from error


def write_symbols(tables: CodingTables, symbols: np.ndarray, rows: np.ndarray) -> RangeWriter:
    """Code `symbols` [n], each with row `rows` [n] of the tables."""
    writer = RangeWriter()
    writer.write(symbols, tables.probabilities[rows])
    return writer
