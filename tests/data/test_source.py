"""What a file's own samples tell is known of stretches too, when they lie in a mono file at 16 kHz."""

import json
import math

import numpy as np
import soundfile

from telucodec.data.doctor import examine_sounds, rows_as_sounds
from telucodec.data.extract import extract
from telucodec.data.filter import sift
from telucodec.data.importing import import_source
from telucodec.data.manifest import read_manifest
from telucodec.data.measures import measure
from telucodec.data.source import SourceMeter, source_path
from telucodec.data.sources.folder import Folder
from telucodec.data.sources.source import SourceConfig

RATE = 48_000


def voice_like(seconds, rate=RATE):
    time = np.arange(round(seconds * rate)) / rate
    return 0.5 * np.sin(2 * np.pi * 440 * time) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))


def clipped_between(wave, begin_s, end_s, rate=RATE):
    wave = wave.copy()
    part = slice(round(begin_s * rate), round(end_s * rate))
    wave[part] = np.clip(8 * wave[part], -1, 1)
    return wave


def extracted(tmp_path, wave):
    (tmp_path / "films").mkdir()
    soundfile.write(tmp_path / "films" / "one.wav", wave, RATE, "FLOAT")
    extract(tmp_path / "films", tmp_path / "out")
    return tmp_path / "out" / "audio" / "one.wav.flac"


def test_clips_are_told_in_the_seconds_where_they_are_though_the_mono_sound_has_none(tmp_path):
    wave = clipped_between(voice_like(10), 4, 6)
    flac = extracted(tmp_path, np.stack([wave, 0.1 * voice_like(10)], axis=1))
    assert not measure(flac)[0].clipped_runs
    runs = [measure(flac, span=(second * 16_000, 2 * 16_000))[0].clipped_runs for second in (0, 2, 4, 6, 8)]
    assert runs[0] == runs[1] == runs[3] == runs[4] == 0
    assert runs[2] > 1000


def test_channels_are_told_of_every_stretch(tmp_path):
    wave = voice_like(4)
    flac = extracted(tmp_path, np.stack([wave, -0.9 * wave], axis=1))
    (row,) = read_manifest(tmp_path / "out" / "manifest.csv")
    (found,) = examine_sounds(rows_as_sounds([row], tmp_path / "out")).diagnoses
    assert "channels cancel" in {finding.case for finding in found.findings}
    told = measure(flac, span=(16_000, 16_000))[0]
    assert math.isclose(told.mixing_db, 20 * math.log10(0.05 / math.sqrt((1 + 0.81) / 2)), abs_tol=0.01)
    assert math.isclose(told.quietest_channel_db, 20 * math.log10(0.9), abs_tol=0.01)


def test_a_dead_channel_costs_no_row_its_place(tmp_path):
    extracted(tmp_path, np.stack([voice_like(4), np.zeros(4 * RATE)], axis=1))
    rows = read_manifest(tmp_path / "out" / "manifest.csv")
    (verdict,) = sift(rows, tmp_path / "out").verdicts
    assert "dead channel" in {finding.case for finding in verdict.spared}
    assert "dead channel" not in {finding.case for finding in verdict.against}


def test_an_import_keeps_it_too(tmp_path):
    (tmp_path / "takes").mkdir()
    soundfile.write(tmp_path / "takes" / "one.wav", clipped_between(voice_like(3), 1, 2), RATE, "PCM_24")
    soundfile.write(tmp_path / "takes" / "two.wav", voice_like(3), RATE, "PCM_24")
    imported = import_source(Folder(tmp_path / "takes", SourceConfig()), tmp_path / "out", "own")
    runs = {row.recording: measure(tmp_path / "out" / row.path, span=row.span)[0].clipped_runs for row in imported.rows}
    assert runs["one.wav"] > 500
    assert runs["two.wav"] == 0


def test_what_is_told_of_another_file_or_spoilt_is_not_believed(tmp_path):
    flac = extracted(tmp_path, clipped_between(voice_like(4), 1, 2))
    told = json.loads(source_path(flac).read_bytes())
    assert measure(flac, span=(0, 64_000))[0].clipped_runs > 500
    for spoilt in (b"", b"[]", b"{}", json.dumps(told | {"flac_bytes": told["flac_bytes"] + 1}).encode()):
        source_path(flac).write_bytes(spoilt)
        assert measure(flac, span=(0, 64_000))[0].clipped_runs < 20


def test_a_source_that_was_mended_is_no_longer_clipped(tmp_path):
    flac = extracted(tmp_path, clipped_between(voice_like(4), 1, 2))
    soundfile.write(tmp_path / "films" / "one.wav", voice_like(4), RATE, "FLOAT")
    extract(tmp_path / "films", tmp_path / "out")
    assert measure(flac, span=(0, 64_000))[0].clipped_runs == 0
    assert not source_path(flac).exists()


def test_a_lower_top_is_forgotten_for_a_higher_one_and_the_rate_may_change():
    meter = SourceMeter()
    flat = np.full((1, 100), 0.5, np.float32)
    meter(np.pad(flat, ((0, 0), (0, 15_900))), 16_000)
    meter(np.pad(1.5 * flat[:, :3], ((0, 0), (40_000, 7997))), 48_000)
    found = meter.measures()
    assert (found.flat_runs, found.clipped_runs, found.clipped_share) == (1, 0, 0)
    assert dict(meter._flat_runs) == {1: 1}
