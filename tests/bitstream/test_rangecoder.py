import numpy as np
import pytest

from telucodec.bitstream.rangecoder import (
    FREQUENCY_BITS,
    CodingTables,
    RangeReader,
    RangeWriter,
    from_fewest_bytes,
    integer_frequencies,
    write_symbols,
)


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
    reader = RangeReader(write_symbols(tables, symbols, rows).to_bytes())
    pieces = [reader.read(tables.probabilities[rows[start : start + 37]]) for start in range(0, 5000, 37)]
    np.testing.assert_array_equal(np.concatenate(pieces), symbols)


def test_code_length_is_the_ideal_one_but_for_a_few_bytes(tables):
    symbols, rows = drawn(tables, 20_000)
    ideal_bits = tables.bits[rows, symbols].sum()
    assert 8 * len(write_symbols(tables, symbols, rows).to_bytes()) <= 1.001 * ideal_bits + 32


def test_improbable_symbols_come_back_too(tables):
    rows = np.arange(40)
    symbols = tables.probabilities.argmin(axis=1)
    np.testing.assert_array_equal(RangeReader(write_symbols(tables, symbols, rows).to_bytes()).read(tables.probabilities[rows]), symbols)


def test_nothing_costs_nothing(tables):
    assert write_symbols(tables, np.empty(0, int), np.empty(0, int)).to_bytes() == b""


def test_the_fewest_bytes_hold_the_same_symbols_and_no_shorter_ones_do(tables):
    for count in [0, 1, 2, 3, 5, 8, 13, 40, 100, 400] * 30:
        symbols, rows = drawn(tables, count)
        payload = write_symbols(tables, symbols, rows).to_fewest_bytes()
        decoded = RangeReader(from_fewest_bytes(payload)).read(tables.probabilities[rows])
        np.testing.assert_array_equal(decoded, symbols)
        assert 8 * len(payload) < tables.bits[rows, symbols].sum() + 9
        assert not payload.endswith(b"\0")


def test_the_fewest_bytes_bear_carries_through_words_already_written():
    """Where the interval straddles a word's edge for long, the coder holds words back; its last symbols decide which way they round."""
    middle = np.array([[1.0, 2.0, 1.0]]) / 4  # the middle symbol keeps the middle of the interval for ever
    for count in range(1, 120):
        for last in (0, 1, 2):
            symbols, weights = np.array([1] * count + [last]), np.repeat(middle, count + 1, axis=0).astype(np.float32)
            writer = RangeWriter()
            writer.write(symbols, weights)
            reader = RangeReader(from_fewest_bytes(writer.to_fewest_bytes()))
            np.testing.assert_array_equal(reader.read(weights), symbols)
