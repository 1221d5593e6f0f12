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


def encode_symbols(tables: CodingTables, symbols: np.ndarray, rows: np.ndarray) -> bytes:
    """Code `symbols` [n], each with row `rows` [n] of the tables."""
    encoder = constriction.stream.queue.RangeEncoder()
    encoder.encode(symbols.astype(np.int32), _FAMILY, tables.probabilities[rows])
    # The coder works in words of four bytes and the decoder reads zeros past the end, so zeros there need not be sent.
    return encoder.get_compressed().astype("<u4").tobytes().rstrip(b"\0")


class SymbolDecoder:
    """Reads symbols back in the order in which they were coded."""

    def __init__(self, tables: CodingTables, payload: bytes):
        padded = payload + bytes(-len(payload) % 4)
        self._tables = tables
        self._decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(padded, dtype="<u4").astype(np.uint32))

    def decode(self, rows: np.ndarray) -> np.ndarray:
        """The next symbols, int32 [n], given their rows [n]. Raises BitstreamError where no encoder can have written them."""
        try:
            return self._decoder.decode(_FAMILY, self._tables.probabilities[rows])
        except AssertionError as error:
            raise BitstreamError("packet does not decode with this model") from error
