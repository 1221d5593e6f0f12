"""Parts share no speaker and no recording, whatever is in the folder; where they must, it is said."""

import random
from collections import Counter
from collections.abc import Iterable

import pytest

from telucodec.data.manifest import Segment
from telucodec.data.split import SplitConfig, split
from telucodec.errors import DataError


def rows_of(recording: str, speaker: str, num_rows: int) -> list[Segment]:
    """Return rows of 5 s each, one after the other."""
    return [Segment(f"audio/{recording}.flac", 5.0 * at, 5.0, recording, speaker, 0.1, 0.5, 0.0) for at in range(num_rows)]


def speakers(rows: Iterable[Segment]) -> set[str]:
    return {row.speaker for row in rows}


def recordings(rows: Iterable[Segment]) -> set[str]:
    return {row.recording for row in rows}


def crowd(num_speakers: int) -> list[Segment]:
    return [
        row
        for name in range(num_speakers)
        for take in range(2)
        for row in rows_of(f"s{name}/{take}.wav", f"s{name}", 1 + (name + take) % 5)
    ]


@pytest.mark.parametrize("num_speakers", [3, 4, 5, 12, 60])
def test_speakers_are_kept_apart_and_no_row_is_lost(num_speakers):
    rows = crowd(num_speakers)
    parts = split(rows)
    assert parts.train and parts.val and parts.test and not parts.leaks
    assert not speakers(parts.train) & speakers(parts.val)
    assert not speakers(parts.test) & speakers(parts.train + parts.val)
    assert Counter(parts.train + parts.val + parts.test) == Counter(rows)


@pytest.mark.parametrize("seed", range(5))
def test_many_speakers_come_out_at_80_10_10(seed):
    rows = crowd(200)
    parts = split(rows, SplitConfig(seed=seed))
    assert len(parts.val) / len(rows) == pytest.approx(0.1, abs=0.01)
    assert len(parts.test) / len(rows) == pytest.approx(0.1, abs=0.01)


def test_a_seed_deals_in_one_way_whatever_the_order_of_the_rows():
    rows = crowd(30)
    shuffled = random.sample(rows, len(rows))
    assert split(rows) == split(shuffled)
    assert recordings(split(rows).test) != recordings(split(rows, SplitConfig(seed=1)).test)


def test_the_folder_test_is_all_of_the_test_part_and_nothing_else():
    parts = split(crowd(10) + rows_of("test/lakshmi/a.wav", "lakshmi", 3))
    assert recordings(parts.test) == {"test/lakshmi/a.wav"}
    assert parts.train and parts.val and not parts.leaks


def test_recordings_of_unknown_speakers_are_kept_apart_and_the_doubt_is_told():
    parts = split([row for name in range(10) for row in rows_of(f"{name}.wav", "", 4)])
    assert not recordings(parts.train) & recordings(parts.val + parts.test)
    (leak,) = parts.leaks
    assert "unknown" in leak and "train and val and test" in leak


def test_one_speaker_is_split_by_recording_and_it_is_told():
    parts = split([row for take in range(10) for row in rows_of(f"kerstin/{take}.wav", "kerstin", 1)] + rows_of("test/cv/a.wav", "cv", 1))
    assert (len(parts.train), len(parts.val), len(parts.test)) == (9, 1, 1)
    (leak,) = parts.leaks
    assert leak.startswith("speaker kerstin is in train and val") and "new speakers is not measured" in leak


def test_one_recording_is_split_in_time_and_it_is_told():
    parts = split(rows_of("a.wav", "", 100))
    assert (len(parts.train), len(parts.val), len(parts.test)) == (80, 10, 10)
    assert max(row.start_s for row in parts.train) < min(row.start_s for row in parts.val)
    assert max(row.start_s for row in parts.val) < min(row.start_s for row in parts.test)
    assert any("recording a.wav is in train and val and test" in leak and "cut in time" in leak for leak in parts.leaks)


def test_a_speaker_both_inside_and_outside_the_folder_test_is_told():
    parts = split(crowd(10) + rows_of("test/s3/a.wav", "s3", 2))
    assert any(leak.startswith("speaker s3 is in") and "inside and outside the folder test" in leak for leak in parts.leaks)


def test_a_single_segment_trains_and_the_empty_parts_are_told():
    parts = split(rows_of("a.wav", "", 1))
    assert len(parts.train) == 1
    assert [leak.split(":")[0] for leak in parts.leaks] == ["val is empty", "test is empty"]


@pytest.mark.parametrize("rows, where", [([], "train on;"), (rows_of("test/a.wav", "", 3), "outside the folder test")])
def test_nothing_to_train_on_is_an_error(rows, where):
    with pytest.raises(DataError, match=where):
        split(rows)
