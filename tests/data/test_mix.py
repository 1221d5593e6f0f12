"""Mixes by counts are the same each time, and change little when data is added."""

import random

import pytest

from telucodec.data.manifest import Segment
from telucodec.data.mix import mix
from telucodec.errors import DataError


def rows_from(source, number):
    return [Segment(f"audio/{source}{at}.flac", 0.0, 2.0, f"{source}{at}", "", 0.1, 0.5, 0.0, source=source) for at in range(number)]


ROWS = rows_from("own", 600) + rows_from("commonvoice", 900) + rows_from("tts", 300)
COUNTS = {"own": 400, "commonvoice": 500, "tts": 200}


def test_each_source_gives_its_count_whatever_the_order_of_the_rows():
    mixed = mix(ROWS, COUNTS)
    assert {source: sum(row.source == source for row in mixed) for source in COUNTS} == COUNTS and len(set(mixed)) == 1100
    assert mix(random.sample(ROWS, len(ROWS)), COUNTS) == mixed
    assert set(mix(ROWS, COUNTS, seed=1)) != set(mixed)


def test_asking_for_more_keeps_what_was_taken():
    assert set(mix(ROWS, COUNTS)) < set(mix(ROWS, COUNTS | {"tts": 250}))


def test_too_few_is_an_error_with_the_numbers():
    with pytest.raises(DataError, match="tts: 301 rows asked for, 300 there.*commonvoice 900"):
        mix(ROWS, {"tts": 301})
