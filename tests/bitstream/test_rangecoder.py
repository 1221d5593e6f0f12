import numpy as np
import pytest

from telucodec.bitstream.rangecoder import FREQUENCY_BITS, CodingTables, SymbolDecoder, encode_symbols, integer_frequencies


@pytest.fixture
def tables():
    return CodingTables(integer_frequencies(np.random.dirichlet(np.full(18, 0.3), size=40)))


def drawn(tables, count):
    rows = np.random.randint(len(tables.probabilities), size=count)
    points = np.random.random(count)
    symbols = (tables.probabilities.cumsum(axis=1)[rows] <= points[:, None]).sum(axis=1)
    return np.minimum(symbols, tables.probabilities.shape[1] - 1), rows


def test_frequencies_are_positive_and_add_up():
    frequencies = integer_frequencies(np.array([[1.0, 0.0, 0.0], [1e-9, 1e-9, 1e-9], [0.2, 0.3, 0.5]]))
    assert frequencies.min() >= 1
    assert (frequencies.sum(axis=1) == 1 << FREQUENCY_BITS).all()


def test_symbols_come_back_whatever_pieces_they_are_read_in(tables):
    symbols, rows = drawn(tables, 5000)
    decoder = SymbolDecoder(tables, encode_symbols(tables, symbols, rows))
    pieces = [decoder.decode(rows[start : start + 37]) for start in range(0, 5000, 37)]
    np.testing.assert_array_equal(np.concatenate(pieces), symbols)


def test_code_length_is_the_ideal_one_but_for_a_few_bytes(tables):
    symbols, rows = drawn(tables, 20_000)
    ideal_bits = tables.bits[rows, symbols].sum()
    assert 8 * len(encode_symbols(tables, symbols, rows)) <= 1.001 * ideal_bits + 32


def test_improbable_symbols_come_back_too(tables):
    rows = np.arange(40)
    symbols = tables.probabilities.argmin(axis=1)
    np.testing.assert_array_equal(SymbolDecoder(tables, encode_symbols(tables, symbols, rows)).decode(rows), symbols)


def test_nothing_costs_nothing(tables):
    assert encode_symbols(tables, np.empty(0, int), np.empty(0, int)) == b""
