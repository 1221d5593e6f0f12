"""What is kept exceeds every threshold; what is not says by how much, and what to do."""

import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.audio.sound_file import write_audio
from telucodec.data.doctor import CASES
from telucodec.data.filter import FilterConfig, filter_config, hours_of, sift, write_rejected
from telucodec.data.manifest import Segment, read_manifest
from telucodec.errors import DataError

CLIP = min((Path(__file__).parents[2] / "examples" / "speech" / "kerstin").glob("*.flac"))
NAN = float("nan")
HUM = 0.02 * np.sin(2 * np.pi * 50 * np.arange(20 * SAMPLE_RATE) / SAMPLE_RATE)


@pytest.fixture
def speech():
    return read_media(CLIP)[0, : 4 * SAMPLE_RATE]


def row_of(root, wave, name="audio/తెలుగు.flac"):
    write_audio(root / name, np.asarray(wave, np.float32)[None], SAMPLE_RATE)
    return Segment(name, 0.0, len(wave) / SAMPLE_RATE, "kerstin/a.mp4", "kerstin", NAN, NAN, NAN)


def clipped_here_and_there(x):
    """Single samples at full scale, never three in a row."""
    x = x.copy()
    x[::90] = 1.0
    return x


@pytest.mark.parametrize(
    "make, reason",
    [
        (lambda x: x[8000:23_900], "too short: 0.99 s, needs 1 s: record longer or leave it out"),
        (lambda x: 0.0098 * x / np.abs(x).max(), "too quiet: peak 0.0098, needs more than 0.01: raise the gain or leave it out"),
        (lambda x: 0.0005 * x / x.std(), "mostly silent: RMS 0.0005, needs more than 0.001"),
        (lambda x: np.clip(4 * x / np.abs(x).max(), -1, 1), "clipped: "),
        (clipped_here_and_there, "clipped: 1.11 % of samples at full scale, at most 1 %: record again with less gain"),
        (lambda x: 0.02 * np.random.standard_normal(len(x)), "no speech: "),
        (lambda x: 0.7 * x + 0.5 * x.std() * np.random.standard_normal(len(x)), "noisy: SNR "),
    ],
)
def test_each_fault_is_told_with_its_measure_threshold_and_remedy(tmp_path, speech, make, reason):
    sifted = sift([row_of(tmp_path, make(speech))], tmp_path)
    (verdict,) = sifted.rejected
    assert not sifted.kept
    assert reason in verdict.reasons
    assert str(verdict).startswith("kerstin/a.mp4, 0.0 to ")


def test_clean_speech_is_kept_and_padding_does_not_count(tmp_path, speech):
    rows = [row_of(tmp_path, speech), replace(row_of(tmp_path, speech[::-1], "b.flac"), duration_s=1.1)]
    assert sift(rows, tmp_path).kept == rows


def test_each_row_is_judged_by_its_own_stretch(tmp_path, speech):
    row = row_of(tmp_path, np.concatenate([speech, 0 * speech, speech[::-1]]))
    parts = [replace(row, start_s=start_s, duration_s=4.0) for start_s in (0.0, 4.0, 8.0)]
    sifted = sift(parts, tmp_path)
    assert sifted.kept == [parts[0], parts[2]]
    assert "mostly silent" in sifted.rejected[0].reasons


def test_hum_and_offset_are_told_but_kept_unless_asked_otherwise(tmp_path, speech):
    row = row_of(tmp_path, speech + HUM[: len(speech)] + 0.02)
    sifted = sift([row], tmp_path)
    assert sifted.kept == [row]
    assert sifted.amounts(spared=True).keys() == {"hum", "DC offset"}
    assert sift([row], tmp_path, FilterConfig(keep=())).amounts().keys() == {"hum", "DC offset"}


def test_of_two_copies_the_one_that_can_be_kept_is(tmp_path, speech):
    humming = row_of(tmp_path, 0.5 * speech + HUM[: len(speech)] + 0.02, "a.flac")  # two findings that do not count
    clipped = row_of(tmp_path, np.clip(3 * speech / np.abs(speech).max(), -1, 1), "b.flac")  # one that does
    sifted = sift([clipped, humming], tmp_path)
    assert sifted.kept == [humming]
    assert [finding.case for finding in sifted.rejected[0].against] == ["clipped", "duplicate"]


def test_missing_files_and_hopeless_rows_are_rejected_with_their_reason(tmp_path, speech):
    row = row_of(tmp_path, speech)
    rows = [replace(row, path="gone.flac"), replace(row, start_s=2.0), replace(row, duration_s=NAN), replace(row, start_s=-1.0), row]
    sifted = sift(rows, tmp_path)
    assert sifted.kept == [row]
    for verdict, reason in zip(sifted.rejected, ("missing", "ends at 4.00 s", "lasts nan s", "starts at -1.0 s"), strict=True):
        assert verdict.reasons.startswith("unreadable: ")
        assert reason in verdict.reasons


def test_any_number_of_processes_judges_the_same(tmp_path, speech):
    rows = [row_of(tmp_path, (0.5**k) * speech, f"{k}.flac") for k in range(3)]
    assert repr(sift(rows, tmp_path, jobs=2)) == repr(sift(rows, tmp_path))


def test_thresholds_can_be_moved(tmp_path, speech):
    row = row_of(tmp_path, speech[8000:24_000])
    short = replace(row, duration_s=0.6)
    assert sift([row, short], tmp_path).kept == [row]
    assert sift([short], tmp_path, FilterConfig(min_duration_s=0.5)).kept == [short]
    for stricter in ({"min_duration_s": 1.1}, {"min_snr_db": 90.0}, {"min_peak": 0.9999}, {"min_rms": 0.5}, {"min_speech_share": 1.1}):
        assert not sift([row], tmp_path, FilterConfig(**stricter)).kept


def test_settings_are_taken_and_their_slips_are_named():
    config = filter_config({"min_snr_db": 12, "keep": ["noisy"]}, "here")
    assert (config.min_snr_db, config.keep, config.min_peak) == (12.0, ("noisy",), 0.01)
    for settings, said in (
        ({"min_snr": 12}, "min_snr is no threshold; choose from .*min_snr_db"),
        ({"min_snr_db": "loud"}, "min_snr_db"),
        ({"keep": ["nosy"]}, "'nosy' is not one of"),
        ({"min_snr_db": math.nan}, "min_snr_db"),
    ):
        with pytest.raises(DataError, match=said):
            filter_config(settings, "here")


def test_every_case_but_unreadable_can_be_spared():
    assert FilterConfig(keep=CASES[1:]).keep == CASES[1:]
    with pytest.raises(DataError, match="unreadable"):
        filter_config({"keep": ("unreadable",)}, "here")


def test_rejected_rows_are_a_manifest_with_reasons(tmp_path, speech):
    row = replace(row_of(tmp_path, speech[:8000]), text='అమ్మ, "నాన్న"', language="te", licence="CC0-1.0")
    sifted = sift([row], tmp_path)
    write_rejected(tmp_path / "bad.csv", sifted.rejected)
    assert repr(read_manifest(tmp_path / "bad.csv")) == repr([row])
    (cells,) = csv.DictReader((tmp_path / "bad.csv").open(encoding="utf-8", newline=""))
    assert cells["reasons"] == "too short: 0.50 s, needs 1 s: record longer or leave it out"


def test_a_row_that_states_no_length_counts_no_hours():
    rows = [Segment("a.flac", 0.0, duration_s, "a", "", NAN, NAN, NAN) for duration_s in (1800.0, NAN)]
    assert hours_of(rows) == 0.5
