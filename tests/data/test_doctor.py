"""Each defect, made on purpose of a clean clip, is named; the clean clips are left alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.audio.sound_file import write_audio
from telucodec.data.doctor import CASES, DoctorConfig, examine, findings_on
from telucodec.data.filter import sift
from telucodec.data.fingerprint import NUM_BITS, duplicates
from telucodec.data.manifest import Segment, write_manifest
from telucodec.errors import DataError

SPEECH = Path(__file__).parents[2] / "examples" / "speech"
CLIP = min((SPEECH / "kerstin").glob("*.flac"))


def noise(size, level):
    return level * np.random.standard_normal(size)


def chords(size):
    t = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    parts = [sum(np.sin(2 * np.pi * root * k * ratio * t) / k for k in (1, 2, 3) for ratio in (1, 1.26, 1.5)) for root in (220, 247, 294)]
    return 0.05 * np.resize(np.concatenate(parts), size)


def opposed(wave):
    return np.stack([wave, -0.9 * wave], axis=1)


DEFECTS = {
    "too short": lambda x: x[8000:15000],
    "too quiet": lambda x: 0.0098 * x / np.abs(x).max(),
    "mostly silent": lambda x: 0.0005 * x / np.sqrt(np.square(x).mean()),
    "clipped": lambda x: np.clip(3 * x / np.abs(x).max(), -1, 32767 / 32768),
    "channels cancel": opposed,
    "no speech": lambda x: noise(len(x), 0.02),
    "music-like": lambda x: chords(len(x)),
    "noisy": lambda x: 0.7 * x + noise(len(x), 0.5 * x.std()),
    "band-limited": lambda x: soxr.resample(soxr.resample(x, SAMPLE_RATE, 8000), 8000, SAMPLE_RATE),
    "hum": lambda x: x + 0.02 * np.sin(2 * np.pi * 50 * np.arange(len(x)) / SAMPLE_RATE),
    "dead channel": lambda x: np.stack([x, 0 * x], axis=1),
    "DC offset": lambda x: 0.9 * x + 0.02,
}


def wav(path, wave):
    soundfile.write(path, wave, SAMPLE_RATE, "PCM_16")
    return path


def cases_of(path):
    (diagnosis,) = examine([path]).diagnoses
    return [finding.case for finding in diagnosis.findings]


def test_every_case_has_a_defect_here():
    assert set(CASES) == set(DEFECTS) | {"unreadable", "duplicate"}


@pytest.mark.parametrize("case", DEFECTS)
def test_a_defect_is_named_first(tmp_path, case):
    found = cases_of(wav(tmp_path / "defect.wav", DEFECTS[case](read_media(CLIP)[0])))
    assert found[0] == case


def test_clean_clips_are_healthy():
    found = examine([SPEECH / "kerstin", SPEECH / "test"])
    assert [str(finding) for diagnosis in found.diagnoses for finding in diagnosis.findings if finding.case != "duplicate"] == []


def test_a_finding_tells_the_value_the_threshold_and_a_remedy(tmp_path):
    (diagnosis,) = examine([wav(tmp_path / "short.wav", read_media(CLIP)[0, :8000])]).diagnoses
    assert str(diagnosis.findings[0]) == (
        "too short: 0.50 s, 50.0 % padding with zeros in its segments, at most 30 %: choose a shorter segment or leave it out"
    )


def test_a_value_just_beyond_its_threshold_is_told_from_it(tmp_path):
    (diagnosis,) = examine([wav(tmp_path / "short.wav", read_media(CLIP)[0, :22_336])]).diagnoses
    assert "too short: 1.40 s, 30.2 % padding with zeros in its segments, at most 30 %" in str(diagnosis.findings[-1])
    (noisy,) = [finding for finding in findings_on(replace(diagnosis.measures, snr_db=14.7)) if finding.case == "noisy"]
    assert (noisy.measured, noisy.threshold) == ("SNR 14.7 dB", "needs 15 dB")


def test_a_shorter_segment_is_a_remedy(tmp_path):
    path = wav(tmp_path / "short.wav", read_media(CLIP)[0, 8000:16000])
    assert "too short" in cases_of(path)
    (diagnosis,) = examine([path], DoctorConfig(segment_s=0.5)).diagnoses
    assert "too short" not in [finding.case for finding in diagnosis.findings]


def test_what_cannot_be_read_is_a_finding(tmp_path):
    whole = CLIP.read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.wav").touch()
    soundfile.write(tmp_path / "sample.wav", [0.3], 44_100)
    (tmp_path / "text.mp3").write_text("no sound" * 1000)
    soundfile.write(tmp_path / "huge.wav", noise(SAMPLE_RATE, 1e37), SAMPLE_RATE, "FLOAT")
    found = examine([tmp_path])
    assert found.cases == {"unreadable": 5}
    assert "breaks off" in found.diagnoses[0].findings[0].measured or "damaged" in found.diagnoses[0].findings[0].measured


def test_a_copy_names_the_first(tmp_path):
    x = read_media(CLIP)[0]
    first = wav(tmp_path / "a.wav", x)
    wav(tmp_path / "b.wav", 0.3 * x[4900:])
    diagnoses = examine([tmp_path]).diagnoses
    assert not diagnoses[0].findings
    assert [finding.case for finding in diagnoses[1].findings] == ["duplicate"]
    assert str(first) in diagnoses[1].findings[0].measured


def test_of_two_copies_the_healthier_is_kept(tmp_path):
    x = read_media(CLIP)[0]
    wav(tmp_path / "a.wav", DEFECTS["clipped"](x))
    kept = wav(tmp_path / "b.wav", x)
    clipped, whole = examine([tmp_path]).diagnoses
    assert not whole.findings
    assert str(kept) in clipped.findings[-1].measured


def test_what_holds_a_short_clip_is_kept_and_the_clip_goes(tmp_path):
    first, second, third = (read_media(clip)[0] for clip in sorted((SPEECH / "kerstin").glob("*.flac"))[:3])
    jingle = first[:40_000]  # 2.5 s
    wav(tmp_path / "a.wav", jingle)
    wav(tmp_path / "b.wav", np.concatenate([jingle, second]))
    wav(tmp_path / "c.wav", np.concatenate([jingle, third]))
    short, *shows = examine([tmp_path]).diagnoses
    assert [finding.case for finding in short.findings] == ["duplicate"]
    assert not any(show.findings for show in shows)


def test_any_number_of_processes_finds_the_same(tmp_path):
    for place, make in enumerate(DEFECTS.values()):
        wav(tmp_path / f"{place:02}.wav", make(read_media(CLIP)[0, :40_000]))
    assert repr(examine([tmp_path], jobs=2)) == repr(examine([tmp_path]))


def test_the_summary_counts_and_the_worst_comes_first(tmp_path):
    x = read_media(CLIP)[0, :40_000]  # 2.5 s
    wav(tmp_path / "a.wav", x)
    wav(tmp_path / "b.wav", DEFECTS["DC offset"](x[:32_000]))
    (tmp_path / "c.wav").touch()
    found = examine([tmp_path])
    assert [diagnosis.sound.path.name for diagnosis in found.worst_first] == ["c.wav", "b.wav"]
    assert found.hours * 3600 == pytest.approx(4.5)
    assert found.padding_share == pytest.approx(0.5 / 5)
    assert found.summary().startswith("3 files, 0.00 h: 1 healthy, 2 with findings (")
    assert "Zeros leave a pooled SNR as it is" in found.summary()


def test_what_was_not_measured_is_said_so(tmp_path):
    (tmp_path / "empty.wav").touch()
    assert "Segments of 1 s: zeros not measured." in examine([tmp_path]).summary()


def test_digital_silence_is_silent_and_not_clipped(tmp_path):
    path = wav(tmp_path / "zeros.wav", np.zeros(2 * SAMPLE_RATE))
    (diagnosis,) = examine([path]).diagnoses
    assert [finding.case for finding in diagnosis.findings] == ["mostly silent", "too quiet"]
    assert diagnosis.findings[1].measured == "peak 0"


@pytest.mark.parametrize("level", [1.0, 0.01])
def test_channels_that_cancel_to_silence_are_told_and_not_the_silence(tmp_path, level):
    x = level * read_media(CLIP)[0]
    (diagnosis,) = examine([wav(tmp_path / "stereo.wav", np.stack([x, -x], axis=1))]).diagnoses
    assert [finding.case for finding in diagnosis.findings] == ["channels cancel"]


@pytest.mark.parametrize("num_samples", [15_900, 16_000, 21_000, 31_000])
def test_doctor_and_filter_agree_on_how_short_a_row_may_be(tmp_path, num_samples):
    rows = recording(tmp_path, read_media(CLIP)[0, 8000 : 8000 + num_samples])
    write_manifest(tmp_path / "rows.csv", rows)
    (found,) = examine([tmp_path / "rows.csv"]).diagnoses
    (verdict,) = sift(rows, tmp_path).verdicts
    assert found.findings == verdict.against
    assert [finding.case for finding in found.findings] == (["too short"] if num_samples < SAMPLE_RATE else [])


def test_rows_are_held_to_a_segment_that_was_asked_for(tmp_path):
    write_manifest(tmp_path / "rows.csv", recording(tmp_path, read_media(CLIP)[0, 8000:29_000]))
    (found,) = examine([tmp_path / "rows.csv"], DoctorConfig(segment_s=1.0)).diagnoses
    assert [finding.case for finding in found.findings] == ["too short"]


def test_nothing_to_look_at_is_an_error(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DataError, match="name"):
            examine([path])


def recording(root, *waves):
    """Write `waves` [T] one after the other as one FLAC file below `root`, and return a row for each."""
    write_audio(root / "audio" / "చిత్రం.flac", np.concatenate(waves)[None], SAMPLE_RATE)
    ends = np.cumsum([len(wave) for wave in waves]) / SAMPLE_RATE
    nan = float("nan")
    return [
        Segment("audio/చిత్రం.flac", end - len(wave) / SAMPLE_RATE, len(wave) / SAMPLE_RATE, "చిత్రం.mp4", "", nan, nan, nan)
        for end, wave in zip(ends, waves, strict=True)
    ]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_rows_of_a_manifest_are_looked_at_as_files_are(tmp_path, suffix):
    x = read_media(CLIP)[0]
    waves = [DEFECTS[case](x).astype(np.float32) for case in ("clipped", "hum", "no speech", "too short")]
    rows = recording(tmp_path, *waves)
    write_manifest(tmp_path / f"rows{suffix}", rows)
    by_row = examine([tmp_path / f"rows{suffix}"])
    files = [wav(tmp_path / f"{place}.wav", wave) for place, wave in enumerate(waves)]
    by_file = examine(files)
    assert [found.sound.row.start_s for found in by_row.diagnoses] == [row.start_s for row in rows]
    for row, file in zip(by_row.diagnoses, by_file.diagnoses, strict=True):
        assert [finding.case for finding in row.findings] == [finding.case for finding in file.findings]
        assert row.measures.rms == pytest.approx(file.measures.rms, rel=1e-3)
        assert row.measures.duration_s == file.measures.duration_s
        assert (row.measures.num_channels, row.measures.codec) == (1, "flac")
    assert by_row.hours == pytest.approx(sum(row.duration_s for row in rows) / 3600)
    assert by_row.case_hours["hum"] == pytest.approx(rows[1].duration_s / 3600)
    assert by_row.summary().startswith("4 rows")


def test_rows_of_one_recording_are_copies_only_where_their_sound_is(tmp_path):
    x, y = (read_media(clip)[0] for clip in sorted((SPEECH / "kerstin").glob("*.flac"))[:2])
    rows = recording(tmp_path, x, y, 0.5 * x)
    write_manifest(tmp_path / "rows.csv", rows)
    first, second, third = examine([tmp_path / "rows.csv"]).diagnoses
    assert not first.findings + second.findings
    assert [finding.case for finding in third.findings] == ["duplicate"]
    assert f"at 0.00 to {rows[0].duration_s:.2f} s" in third.findings[0].measured


def test_rows_that_cannot_be_looked_at_are_findings(tmp_path):
    (row,) = recording(tmp_path, read_media(CLIP)[0])
    bad = [
        {"path": "gone.flac"},
        {"start_s": row.duration_s},
        {"duration_s": 0.0},
        {"duration_s": float("nan")},
        {"start_s": float("inf")},
        {"start_s": -1.0},
        {"duration_s": 1e305},
        {"start_s": 1e290},
        {"path": "nan.wav", "duration_s": 1.0},
        {"path": "huge.wav", "duration_s": 1.0},
    ]
    soundfile.write(tmp_path / "nan.wav", np.full(SAMPLE_RATE, np.nan), SAMPLE_RATE, "FLOAT")
    soundfile.write(tmp_path / "huge.wav", np.full(SAMPLE_RATE, 1e37), SAMPLE_RATE, "FLOAT")
    write_manifest(tmp_path / "rows.csv", [replace(row, **change) for change in bad])
    found = examine([tmp_path / "rows.csv"])
    assert found.cases == {"unreadable": len(bad)}
    write_manifest(tmp_path / "rows.csv", [])
    with pytest.raises(DataError, match="holds no rows"):
        examine([tmp_path / "rows.csv"])


def test_one_opening_does_not_make_copies_of_two_films():
    """Fingerprints that random bits stand for: of a film, of the same with an eighth of its bits changed, and of one with the same opening of 45 s."""
    film, flips = np.random.randint(1 << NUM_BITS, size=1875), np.random.rand(1875, NUM_BITS) < 0.12
    coded = film ^ (flips @ (1 << np.arange(NUM_BITS)))
    other = np.concatenate([film[:1400], np.random.randint(1 << NUM_BITS, size=475)])
    assert list(duplicates([film, coded])) == [(1, 0)]
    assert list(duplicates([film, other])) == []
    assert list(duplicates([film, film[300:900]])) == [(1, 0)]
