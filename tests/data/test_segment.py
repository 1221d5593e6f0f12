"""Segments hold the speech of a recording and little else, are cut in pauses, and carry true levels."""

import itertools
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from telucodec.audio.activity import FRAME_SAMPLES
from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.audio.sound_file import write_audio
from telucodec.data.loudness import measure
from telucodec.data.manifest import Segment, read_segment
from telucodec.data.segment import MARGIN_SAMPLES, PURPOSES, SegmentConfig, cut, segment, speech_spans
from telucodec.errors import DataError

CLIPS = sorted((Path(__file__).parents[2] / "examples" / "speech" / "kerstin").glob("*.flac"))
NAN = float("nan")


def recorded(root, wave, name="kerstin/చిత్రం.mp4", **fields):
    """Write wave [T] as the sound of a recording, and return the row of all of it."""
    path = f"audio/{name}.flac"
    write_audio(root / path, wave[None], SAMPLE_RATE)
    return replace(Segment(path, 0.0, len(wave) / SAMPLE_RATE, name, "kerstin", NAN, NAN, NAN), **fields)


def speech(num_clips):
    return np.concatenate([read_media(clip)[0] for clip in CLIPS[:num_clips]])


def spans_of(probabilities, config=PURPOSES["codec"], powers=None):
    powers = np.ones(len(probabilities)) if powers is None else powers
    return speech_spans(np.array(probabilities, np.float32), powers, len(probabilities) * FRAME_SAMPLES, config)


def in_frames(seconds):
    return round(seconds * SAMPLE_RATE / FRAME_SAMPLES)


@pytest.mark.parametrize("config", [SegmentConfig(), PURPOSES["text"], SegmentConfig(2.0, 4.0)])
def test_any_speech_is_cut_into_allowed_lengths_in_order_and_none_is_lost(config):
    for _ in range(30):
        lengths = np.random.geometric(1 / np.random.choice([3, 30, 300]), 60)
        spoken = np.arange(len(lengths)) % 2 == 1
        probabilities = np.repeat(np.where(spoken, 0.99, 0.01), lengths)
        spans = spans_of(probabilities, config, np.random.uniform(0, 1, len(probabilities)))
        edges = np.array(spans).ravel()
        assert (np.diff(edges) >= 0).all()
        assert all(config.min_samples <= end - begin <= config.max_samples for begin, end in spans)
        assert not len(edges) or (edges[0] >= 0 and edges[-1] <= len(probabilities) * FRAME_SAMPLES)
        ends = np.cumsum(lengths)
        for begin, end in zip(ends[:-1][spoken[1:]], ends[1:][spoken[1:]], strict=True):
            if (end - begin) * FRAME_SAMPLES >= config.min_samples:
                covered = sum(max(0, min(last, end * FRAME_SAMPLES) - max(first, begin * FRAME_SAMPLES)) for first, last in spans)
                assert covered == (end - begin) * FRAME_SAMPLES


def test_long_silence_is_left_out_but_for_a_margin():
    (first, second) = spans_of([0.0] * 100 + [1.0] * 100 + [0.0] * 100 + [1.0] * 100 + [0.0] * 100)
    assert first == (100 * FRAME_SAMPLES - MARGIN_SAMPLES, 200 * FRAME_SAMPLES + MARGIN_SAMPLES)
    assert second == (300 * FRAME_SAMPLES - MARGIN_SAMPLES, 400 * FRAME_SAMPLES + MARGIN_SAMPLES)


def test_a_short_pause_is_part_of_speech():
    assert len(spans_of([1.0] * 100 + [0.0] * 30 + [1.0] * 100)) == 1


def test_a_short_word_gets_silence_around_it_and_a_click_does_not():
    ((begin, end),) = spans_of([0.0] * 100 + [1.0] * 17 + [0.0] * 200 + [1.0] * 3 + [0.0] * 100)
    assert end - begin == SAMPLE_RATE
    assert begin < 100 * FRAME_SAMPLES < 117 * FRAME_SAMPLES < end
    ((begin, end),) = spans_of([1.0] * 17 + [0.0] * 200)
    assert (begin, end) == (0, SAMPLE_RATE)


def test_the_cut_is_in_the_middle_of_the_longest_pause_in_reach():
    probabilities = np.ones(in_frames(24))
    for pause_s, length in ((8.5, 5), (11.0, 12), (14.5, 6)):
        probabilities[in_frames(pause_s) :][:length] = 0.1
    spans = spans_of(probabilities)
    assert [end for _, end in spans[:-1]] == [begin for begin, _ in spans[1:]] == [(in_frames(11.0) + 6) * FRAME_SAMPLES]


def test_speech_without_a_pause_is_cut_where_it_is_least_like_speech_else_quietest():
    probabilities, powers = np.full(in_frames(20), 0.999), np.ones(in_frames(20))
    powers[400] = 0.1
    assert spans_of(probabilities, powers=powers)[0][1] == 400 * FRAME_SAMPLES + FRAME_SAMPLES // 2
    probabilities[350] = 0.6
    assert spans_of(probabilities, powers=powers)[0][1] == 350 * FRAME_SAMPLES + FRAME_SAMPLES // 2


def test_lengths_that_leave_no_choice_are_refused():
    with pytest.raises(DataError, match="twice"):
        SegmentConfig(5.0, 8.0)


def test_speech_is_found_between_silence_noise_and_tones(tmp_path):
    gaps = [0 * np.arange(64_000), 0.02 * np.random.standard_normal(64_000), 0.2 * np.sin(np.arange(64_000) / 6)]
    clips = [read_media(clip)[0] for clip in CLIPS[:3]]
    pieces = [piece for pair in zip(gaps, clips, strict=True) for piece in pair]
    rows = cut(recorded(tmp_path, np.concatenate(pieces).astype(np.float32)), tmp_path)
    ends = np.cumsum([len(piece) for piece in pieces]) / SAMPLE_RATE
    for (begin_s, end_s), clip in zip(zip(ends[0::2], ends[1::2], strict=True), clips, strict=True):
        inside = [row for row in rows if row.start_s < end_s and row.start_s + row.duration_s > begin_s]
        assert sum(row.duration_s for row in inside) > 0.8 * len(clip) / SAMPLE_RATE
        assert inside[0].start_s > begin_s - 0.5
        assert inside[-1].start_s + inside[-1].duration_s < end_s + 0.5


def test_real_speech_is_cut_where_it_is_quiet(tmp_path):
    rows = cut(recorded(tmp_path, speech(10)), tmp_path, SegmentConfig(1.0, 6.0))
    seams = [row for row, after in itertools.pairwise(rows) if row.start_s + row.duration_s == pytest.approx(after.start_s)]
    assert len(seams) >= 3
    for row in seams:
        wave = read_segment(row, tmp_path)[0]
        assert np.sqrt(np.square(wave[-400:]).mean()) < 0.2 * row.rms


def test_rows_inherit_all_but_their_place_and_levels(tmp_path):
    row = recorded(tmp_path, speech(4), language="te", source="own", licence="CC0-1.0", synthetic=True)
    rows = cut(row, tmp_path)
    assert len(rows) > 1
    for part in rows:
        levels = measure(tmp_path / part.path, *part.span)
        assert (part.rms, part.peak, part.clipped_share) == (levels.rms, levels.peak, levels.clipped_share)
        wave = read_segment(part, tmp_path)
        assert (part.rms, part.peak) == pytest.approx((np.sqrt(np.square(wave).mean()), np.abs(wave).max()))
        place = {name: getattr(row, name) for name in ("start_s", "duration_s", "rms", "peak", "clipped_share")}
        assert repr(replace(part, **place)) == repr(row)  # NaN equals nothing


def test_a_part_of_a_recording_is_cut_within_itself(tmp_path):
    row = recorded(tmp_path, np.concatenate([speech(2), speech(2)]))
    half = replace(row, start_s=row.duration_s / 2, duration_s=row.duration_s / 2)
    rows = cut(half, tmp_path)
    assert rows
    assert all(part.start_s >= half.start_s for part in rows)
    again = cut(replace(half, start_s=0.0), tmp_path)
    assert [part.start_s - half.start_s for part in rows] == pytest.approx([part.start_s for part in again])


def test_utterances_pass_silence_and_what_is_missing_is_told(tmp_path):
    talk = recorded(tmp_path, speech(3), "a.mp4")
    silent = recorded(tmp_path, np.zeros(48_000, np.float32), "b.mp4")
    said = replace(talk, duration_s=0.3, text="నమస్తే")
    done = segment([said, silent, replace(talk, path="audio/gone.flac"), replace(talk, duration_s=999.0), talk], tmp_path)
    assert done.rows[0] == said
    assert (done.num_utterances, len(done.speechless), len(done.unreadable)) == (1, 1, 2)
    assert "b.mp4, 0.0 to 3.0 s: no speech" in done.speechless[0]
    assert "missing" in done.unreadable[0]
    assert "before its row does" in done.unreadable[1]
    assert list(done.rows[1:]) == cut(talk, tmp_path)
    assert done.heard_s == pytest.approx(talk.duration_s + 3)
    assert done.kept_s == pytest.approx(sum(row.duration_s for row in done.rows[1:]))


def test_any_number_of_processes_cuts_the_same(tmp_path):
    rows = [recorded(tmp_path, speech(number), f"{number}.wav") for number in (1, 2, 3)]
    assert segment(rows, tmp_path, jobs=2) == segment(rows, tmp_path)


def test_memory_does_not_hold_the_recording(tmp_path):
    talk = speech(15)
    row = recorded(tmp_path, np.tile(talk, 3))  # 3.6 minutes, 13.8 MB
    cut(recorded(tmp_path, talk[: 2 * SAMPLE_RATE], "warm.wav"), tmp_path)
    tracemalloc.start()
    cut(row, tmp_path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 6e6
