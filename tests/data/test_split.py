"""Parts share no speaker and no recording, whatever is in the folder; where they must, it is said."""

import math
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest

from telucodec.data.manifest import Segment
from telucodec.data.split import PARTS, SplitConfig, also_in, split
from telucodec.data.transcript import normalised
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
    assert parts.train and parts.val and parts.test and not parts.leaks and not parts.remarks
    assert not speakers(parts.train) & speakers(parts.val)
    assert not speakers(parts.test) & speakers(parts.train + parts.val)
    assert Counter(parts.train + parts.val + parts.test) == Counter(rows)


@pytest.mark.parametrize("seed", range(5))
def test_many_speakers_come_out_at_80_10_10(seed):
    rows = crowd(200)
    parts = split(rows, SplitConfig(seed=seed))
    assert len(parts.val) / len(rows) == pytest.approx(0.1, abs=0.01)
    assert len(parts.test) / len(rows) == pytest.approx(0.1, abs=0.01)


def test_validation_and_test_each_get_the_share_they_were_given():
    rows = crowd(200)
    parts = split(rows, SplitConfig(val_share=0.2, test_share=0.05))
    assert len(parts.val) / len(rows) == pytest.approx(0.2, abs=0.01)
    assert len(parts.test) / len(rows) == pytest.approx(0.05, abs=0.01)


def test_a_seed_deals_in_one_way_whatever_the_order_of_the_rows():
    rows = crowd(30)
    shuffled = random.sample(rows, len(rows))
    assert split(rows) == split(shuffled)
    assert recordings(split(rows).test) != recordings(split(rows, SplitConfig(seed=1)).test)
    rows += rows_of("test/lakshmi/a.wav", "lakshmi", 3)
    assert recordings(split(rows).val) != recordings(split(rows, SplitConfig(seed=1)).val)


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
    (remark,) = parts.remarks
    assert remark.startswith("speaker kerstin is in train and val") and "new speakers is not measured" in remark
    assert not parts.leaks  # test has another speaker


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
    assert [remark.split(":")[0] for remark in parts.remarks] == ["val is empty", "test is empty"]
    assert not parts.leaks


@pytest.mark.parametrize("rows, where", [([], "train on;"), (rows_of("test/a.wav", "", 3), "outside the folder test")])
def test_nothing_to_train_on_is_an_error(rows, where):
    with pytest.raises(DataError, match=where):
        split(rows)


def readers(num_speakers: int, num_sentences: int, first: int = 0) -> list[Segment]:
    """Speakers who read five sentences each, the same ones over and over."""
    return [
        replace(rows_of(f"s{speaker}/{take}.wav", f"s{speaker}", 1)[0], text=f"వాక్యం {random.randrange(num_sentences)}!")
        for speaker in range(first, first + num_speakers)
        for take in range(5)
    ]


def by_part(parts) -> dict[str, list[Segment]]:
    return {part: getattr(parts, part) for part in PARTS}


def assert_disjoint(parts, num_rows: int) -> None:
    for property_of in (lambda row: row.speaker, lambda row: row.recording, lambda row: normalised(row.text)):
        values = [{property_of(row) for row in rows} - {""} for rows in by_part(parts).values()]
        assert sum(map(len, values)) == len(set().union(*values))
    assert sum(map(len, by_part(parts).values())) + len(parts.left_out) == num_rows


@pytest.mark.parametrize("num_sentences", [20, 300, 10**9])
def test_no_sentence_is_in_two_parts_and_what_was_left_out_is_told(num_sentences):
    rows = readers(100, num_sentences)
    parts = split(rows)
    assert parts.val and parts.test
    assert_disjoint(parts, len(rows))
    told = [remark for remark in parts.remarks if "left out of" in remark]
    assert sum(int(remark.split()[0]) for remark in told) == len(parts.left_out) and not parts.leaks
    assert bool(told) == bool(parts.left_out) == (num_sentences < 1000)


@pytest.mark.parametrize(
    "written, otherwise",
    [
        ("  మంచి రోజు! ", "మంచి  రోజు"),
        ("É bien?", "e\u0301 BIEN"),
        ("క్\u200cష", "క్ష"),
        ("I don't know", "I dont know"),
        ("I don\u02bct know", "I don\u2019t know"),
        ("അവന്\u200d", "അവൻ"),
        ("గది ౧౨", "గది 12"),
        ("మంచి రోజు ❤\ufe0f", "మంచి రోజు"),
    ],
)
def test_a_sentence_that_is_written_otherwise_is_in_no_other_part(written, otherwise):
    rows = crowd(20)
    tested = speakers(split(rows).test)
    parts = split(replace(row, text=written if row.speaker in tested else otherwise) for row in rows)
    assert parts.test and speakers(parts.test) == tested and not parts.train and not parts.val


def test_texts_of_other_words_are_other_sentences_and_punctuation_alone_is_none():
    assert not split([replace(row, text=f"మంచి రొజు {at}") for at, row in enumerate(crowd(20))]).left_out
    assert not split([replace(row, text="...") for row in crowd(20)]).left_out


def test_synthetic_rows_only_train_unless_asked_for():
    made = [replace(row, recording=f"tts{at}", speaker="espeak-ng te", synthetic=True) for at, row in enumerate(readers(100, 10**6))]
    parts = split(crowd(20) + made)
    assert not any(row.synthetic for row in parts.val + parts.test)
    assert sum(row.synthetic for row in parts.train) == len(made)
    assert any(row.synthetic for row in split(made, SplitConfig(synthetic_everywhere=True)).test)
    alone = split(made)
    assert len(alone.train) == len(made) and not alone.val and not alone.test


def test_synthetic_rows_in_the_folder_test_are_left_out_and_it_is_told():
    made = [replace(row, synthetic=True) for row in rows_of("test/tts/a.wav", "espeak-ng te", 2)]
    parts = split(crowd(10) + made)
    assert parts.left_out == made
    assert any(remark.startswith("2 synthetic rows in the folder test left out") for remark in parts.remarks)


def test_synthetic_rows_of_sentences_that_are_tested_are_left_out():
    real = [replace(row, text=f"వాక్యం {at}") for at, row in enumerate(crowd(20))]
    made = [replace(row, recording=f"tts {row.text}", speaker="espeak-ng te", synthetic=True) for row in real]
    parts = split(real + made)
    assert_disjoint(parts, len(real + made))
    assert len(parts.left_out) == len(parts.val + parts.test) and all(row.synthetic for row in parts.left_out)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_changes_its_part_when_data_is_added(seed):
    random.seed(seed)
    rows = readers(40, 400)
    first = split(rows, SplitConfig(seed=seed))
    more = rows + readers(60, 400, first=40) + [replace(row, recording=f"again {row.recording}", text="") for row in rows]
    second = split(more, SplitConfig(seed=seed), by_part(first))
    for part, kept in by_part(first).items():
        assert set(kept) <= set(getattr(second, part))
    assert_disjoint(second, len(more))
    seconds = {part: sum(row.duration_s for row in rows) for part, rows in by_part(second).items()}
    assert seconds["test"] / sum(seconds.values()) == pytest.approx(0.1, abs=0.05)
    again = split(more, SplitConfig(seed=seed), by_part(second))
    assert by_part(again) == by_part(second)


def test_earlier_rows_that_are_not_given_again_are_counted():
    rows, new = crowd(10), rows_of("new.wav", "new", 4)
    first = split(rows)
    assert split(rows + new, before=by_part(first)).num_not_given == 0
    assert split(new, before=by_part(first)).num_not_given == len(rows)


def test_a_new_speaker_is_never_cut_in_two():
    first = split(crowd(10))
    for name in range(10, 40):
        first = split([*first.train, *first.val, *first.test, *rows_of(f"s{name}/a.wav", f"s{name}", 4)], before=by_part(first))
        assert not first.leaks
        assert not speakers(first.train) & speakers(first.val + first.test)


def test_new_recordings_of_a_speaker_who_is_in_several_parts_are_dealt_out():
    before = {"train": rows_of("a.wav", "kerstin", 8), "test": rows_of("b.wav", "kerstin", 4)}
    new = [row for take in range(20) for row in rows_of(f"new {take}.wav", "kerstin", 1)]
    parts = split([*before["train"], *before["test"], *new], before=before)
    assert parts.val and recordings(parts.val) < recordings(new)


def test_as_much_is_tested_after_data_was_added():
    first = split(crowd(100))
    parts = split(crowd(200), before=by_part(first))
    assert len(parts.test) / len(crowd(200)) == pytest.approx(0.1, abs=0.01)


def test_recordings_of_one_name_but_of_several_speakers_are_not_taken_for_one():
    rows = [row for name in range(10) for take in range(4) for row in rows_of(f"00{take}.flac", f"s{name}", 1)]
    first = split(rows)
    assert not first.leaks
    assert by_part(split(rows, before=by_part(first))) == by_part(first)


def test_a_split_that_leaves_nothing_to_train_on_is_an_error():
    rows = crowd(3)
    with pytest.raises(DataError, match="none is left to train on.*--anew"):
        split(rows, before={"test": rows})


def test_rows_whose_sound_or_sentence_is_elsewhere_too_are_found():
    rows = [replace(row, text=f"line {at}.") for at, row in enumerate(rows_of("a", "kavya", 6))]
    learned, held_out = rows[:3], rows[3:]
    assert also_in(held_out, learned) == []  # they touch, and share no sample
    assert also_in(learned, learned) == learned
    later = replace(held_out[0], start_s=14.9)
    again = replace(held_out[1], path="copy.flac", text="Line 1")
    other = replace(again, speaker="ravi")
    unknown, mute = replace(again, speaker=""), replace(again, text=" ...")
    assert also_in([later, again, other, unknown, mute], [*learned, *(replace(row, path="b.flac") for row in (unknown, mute))]) == [
        later,
        again,
    ]


@pytest.mark.parametrize("seed", range(3))
def test_what_was_split_shares_nothing(seed):
    parts = split(crowd(20), SplitConfig(seed=seed))
    assert also_in(parts.val + parts.test, parts.train) == [] == also_in(parts.test, parts.val)


@pytest.mark.parametrize("column", ["start_s", "duration_s"])
def test_a_row_whose_seconds_are_no_numbers_is_dealt_to_no_part(column):
    rows = crowd(5)
    with pytest.raises(DataError, match="mend the row"):
        split([*rows, replace(rows[0], **{column: math.nan})])
