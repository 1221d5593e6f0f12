"""A session goes from sentence to sentence, keeps what was accepted and nothing else, and goes on after it was killed."""

import json

import numpy as np
import pytest
import soundfile
import soxr

from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.data.check import check
from telucodec.data.manifest import read_manifest, read_segment
from telucodec.data.recording_session import MAX_TAKE_S, SESSION_JOURNAL, RecordingSession, StaleRequest
from telucodec.errors import DataError

TEXTS = ["చాలా గొంగళి పురుగులు", "మంచి రోజు", "నమస్కారం", "గ్రద్ద కాడు చేరు"]
SPEAKER = ("లక్ష్మి", "te", "CC0-1.0")


def begun(out, texts=TEXTS):
    session = RecordingSession(texts, out)
    session.give_consent(*SPEAKER)
    return session


def hear(session, wave, sample_rate=SAMPLE_RATE):
    return session.hear(session.prompt.name, wave, sample_rate)


def rows_of(out):
    rows = read_manifest(out / "manifest.csv")
    assert read_manifest(out / "manifest.jsonl") == rows
    return rows


def take_files(out):
    return [path.name for path in out.iterdir() if path.name.startswith(".")]


def test_an_accepted_take_is_a_row_with_its_sound_as_import_makes_them(tmp_path, telugu):
    session = begun(tmp_path)
    take = hear(session, telugu[0])
    assert take.findings == () and "dBFS" in take.level
    row = session.accept(take.name)
    assert rows_of(tmp_path) == [row]
    assert (row.text, row.speaker, row.language, row.licence, row.source, row.synthetic) == (TEXTS[0], *SPEAKER, "own", False)
    assert row.path == f"audio/{row.recording}.flac" and row.recording.startswith("లక్ష్మి/")
    assert row.duration_s == telugu.shape[-1] / SAMPLE_RATE
    np.testing.assert_allclose(read_segment(row, tmp_path), telugu, atol=1 / 65536)
    assert session.prompt.text == TEXTS[1]
    assert not take_files(tmp_path)
    assert list(check([row], tmp_path)) == []


@pytest.mark.parametrize("kind", ["float32", "int16"])
def test_a_take_of_any_rate_is_kept_at_16_khz(tmp_path, telugu, kind):
    session = begun(tmp_path)
    wave = soxr.resample(telugu[0], SAMPLE_RATE, 44_100)
    wave = np.rint(wave * 32768).clip(-32768, 32767).astype(np.int16) if kind == "int16" else wave
    take = hear(session, wave, 44_100)
    assert soundfile.info(take.path).samplerate == 44_100
    session.accept(take.name)
    kept = read_segment(rows_of(tmp_path)[0], tmp_path)[0]
    size = min(len(kept), telugu.shape[-1])
    assert np.corrcoef(kept[:size], telugu[0, :size])[0, 1] > 0.999


def test_a_retake_leaves_the_sentence_and_no_file(tmp_path, telugu):
    session = begun(tmp_path)
    prompt = session.prompt
    take = hear(session, telugu[0])
    session.retake(take.name)
    assert session.prompt == prompt and session.take is None
    assert not take_files(tmp_path) and not (tmp_path / "audio").exists()
    for decide in (session.accept, session.retake, session.named):
        with pytest.raises(StaleRequest):
            decide(take.name)


def test_the_next_take_replaces_the_one_before(tmp_path, telugu):
    session = begun(tmp_path)
    first, second = hear(session, telugu[0]), hear(session, telugu[0, 8000:])
    assert first.name != second.name and not first.path.exists()
    with pytest.raises(StaleRequest):
        session.accept(first.name)
    assert session.accept(second.name).duration_s == second.measures.duration_s


def test_a_skipped_sentence_does_not_come_again(tmp_path, telugu):
    session = begun(tmp_path)
    skipped = session.prompt
    session.skip(skipped.name)
    with pytest.raises(StaleRequest):
        session.skip(skipped.name)
    with pytest.raises(StaleRequest):
        session.hear(skipped.name, telugu[0], SAMPLE_RATE)
    assert RecordingSession(TEXTS, tmp_path).prompt.text == TEXTS[1]


def test_a_warned_take_may_be_accepted_and_the_journal_keeps_the_warning(tmp_path, telugu):
    session = begun(tmp_path)
    take = hear(session, np.clip(8 * telugu[0], -1, 1))
    assert take.findings[0].case == "clipped"
    session.accept(take.name)
    (event,) = map(json.loads, (tmp_path / "recording.jsonl").read_text("utf-8").splitlines())
    assert event["findings"][0].startswith("clipped")


def test_a_killed_session_goes_on_where_it_was(tmp_path, telugu):
    session = begun(tmp_path)
    session.accept(hear(session, telugu[0]).name)
    session.skip(session.prompt.name)
    before = rows_of(tmp_path)
    hear(session, telugu[0])  # undecided when the machine went down, with the journal cut in mid line and the manifests not yet written
    with open(tmp_path / "recording.jsonl", "a", encoding="utf-8") as journal:
        journal.write('{"event": "accept", "name": "x')
    for path in tmp_path.glob("manifest.*"):
        path.unlink()
    (tmp_path / ".123.part-manifest.csv").touch()

    again = RecordingSession(TEXTS, tmp_path)
    assert again.consent == session.consent
    assert again.prompt.text == TEXTS[2]
    assert (again.progress.accepted, again.progress.skipped, again.progress.total) == (1, 1, 4)
    assert rows_of(tmp_path) == before
    assert not take_files(tmp_path)
    again.accept(hear(again, telugu[0]).name)
    assert [row.text for row in rows_of(tmp_path)] == [TEXTS[0], TEXTS[2]]
    assert RecordingSession(TEXTS, tmp_path).prompt.text == TEXTS[3]


def test_a_recording_that_was_deleted_is_asked_for_again(tmp_path, telugu):
    session = begun(tmp_path)
    row = session.accept(hear(session, telugu[0]).name)
    (tmp_path / row.path).unlink()
    again = RecordingSession(TEXTS, tmp_path)
    assert again.prompt.text == TEXTS[0] and rows_of(tmp_path) == []


def test_a_recording_that_was_cut_short_is_asked_for_again(tmp_path, telugu):
    session = begun(tmp_path)
    row = session.accept(hear(session, telugu[0]).name)
    flac = tmp_path / row.path
    flac.write_bytes(flac.read_bytes()[: flac.stat().st_size // 3])
    assert RecordingSession(TEXTS, tmp_path).prompt.text == TEXTS[0] and rows_of(tmp_path) == []


def test_what_was_accepted_stays_with_a_journal_that_tells_no_sizes(tmp_path, telugu):
    session = begun(tmp_path)
    row = session.accept(hear(session, telugu[0]).name)
    event = json.loads((tmp_path / SESSION_JOURNAL).read_text("utf-8"))
    del event["flac_bytes"]  # as earlier versions wrote it
    (tmp_path / SESSION_JOURNAL).write_text(json.dumps(event), "utf-8")
    assert RecordingSession(TEXTS, tmp_path).prompt.text == TEXTS[1] and rows_of(tmp_path) == [row]


def test_what_was_accepted_stays_when_the_sentences_change(tmp_path, telugu):
    session = begun(tmp_path)
    session.accept(hear(session, telugu[0]).name)
    again = RecordingSession(["కొత్త వాక్యం", *TEXTS[1:]], tmp_path)
    assert [row.text for row in rows_of(tmp_path)] == TEXTS[:1]
    assert (again.progress.accepted, again.progress.total) == (0, 4)


def test_consent_is_asked_for_first_and_stored_once(tmp_path, telugu):
    session = RecordingSession(TEXTS, tmp_path, "I agree to everything.")
    assert session.consent is None and session.prompt is None
    with pytest.raises(StaleRequest):
        session.hear("any", telugu[0], SAMPLE_RATE)
    session.give_consent(*SPEAKER)
    stored = (tmp_path / "consent.json").read_bytes()
    assert json.loads(stored)["text"] == "I agree to everything." and json.loads(stored)["speaker"] == SPEAKER[0]
    session.give_consent(*SPEAKER)
    with pytest.raises(DataError, match="another folder"):
        session.give_consent("kavya", "te", "CC0-1.0")
    with pytest.raises(DataError, match="licence"):
        RecordingSession(TEXTS, tmp_path).expect("", "", "CC-BY-4.0")
    assert (tmp_path / "consent.json").read_bytes() == stored


@pytest.mark.parametrize(
    "speaker, licence", [("", "CC0-1.0"), ("a", " "), ("../a", "CC0-1.0"), ("a\\b", "x"), (".a", "x"), ("a\0", "x"), ("అ" * 70, "x")]
)
def test_a_name_that_is_no_use_is_refused(tmp_path, speaker, licence):
    with pytest.raises(DataError):
        RecordingSession(TEXTS, tmp_path).give_consent(speaker, "te", licence)
    assert not (tmp_path / "consent.json").exists()


def test_a_name_is_the_same_in_every_form_of_unicode(tmp_path, telugu):
    composed, apart = "Jos\u00e9", "Jose\u0301"
    session = RecordingSession(TEXTS, tmp_path)
    session.give_consent(apart, "te", "CC0-1.0")
    session.accept(hear(session, telugu[0]).name)
    assert rows_of(tmp_path)[0].speaker == composed
    for name in (composed, apart, f" {apart} "):
        RecordingSession(TEXTS, tmp_path).expect(name, "", "")
    consent = tmp_path / "consent.json"
    consent.write_text(consent.read_text("utf-8").replace(composed, apart), "utf-8")
    RecordingSession(TEXTS, tmp_path).give_consent(composed, "te", "CC0-1.0")


@pytest.mark.parametrize(
    "wave, sample_rate",
    [
        (np.zeros(0, np.float32), 16_000),
        (np.zeros((2, 16_000), np.float32), 16_000),
        (np.full(16_000, np.nan, np.float32), 16_000),
        (np.zeros(int(MAX_TAKE_S) * 16_000 + 1, np.float32), 16_000),
        (np.zeros(16_000, np.float32), 1),
        (np.zeros(16_000, np.float32), 10**7),
    ],
)
def test_what_cannot_be_a_take_is_refused_and_the_one_at_hand_stays(tmp_path, telugu, wave, sample_rate):
    session = begun(tmp_path)
    take = hear(session, telugu[0])
    with pytest.raises(DataError):
        hear(session, wave, sample_rate)
    assert session.take == take and take.path.exists()


def test_progress_counts_minutes_and_pairs(tmp_path, telugu):
    session = begun(tmp_path)
    assert str(session.progress).startswith("0 of 4 sentences, 0.0 minutes, 0 of ")
    for _ in TEXTS:
        session.accept(hear(session, telugu[0]).name)
    progress = session.progress
    assert session.prompt is None and progress.coverage.covered == progress.coverage.total > 20
    assert progress.duration_s == pytest.approx(4 * telugu.shape[-1] / SAMPLE_RATE)
    assert read_media(tmp_path / rows_of(tmp_path)[3].path).shape == telugu.shape


def test_a_line_cut_short_takes_none_with_it(tmp_path, telugu):
    session = begun(tmp_path)
    session.accept(hear(session, telugu[0]).name)
    with open(tmp_path / SESSION_JOURNAL, "ab") as journal:
        journal.write(b'{"event": "accept", "na')  # the disk was full
    row = session.accept(hear(session, telugu[0]).name)
    session.close()
    again = RecordingSession(TEXTS, tmp_path)
    assert [kept.text for kept in rows_of(tmp_path)] == TEXTS[:2] and row in rows_of(tmp_path)
    again.close()


@pytest.mark.parametrize(
    "line",
    [
        b'{"event": "accept", "text": "zz"}',
        b'{"event": "skip", "text": ["a"]}',
        b'{"event": "accept", "text": "zz", "name": "a", "num_samples": "1", "rms": 0, "peak": 0, "clipped_share": 0}',
        b'{"event": ["skip"], "text": "a"}',
        b'{"event": "none", "text": "a"}',
        b"[1]",
        b"\xff",
    ],
)
def test_a_line_that_tells_nothing_is_passed_over(tmp_path, telugu, line):
    session = begun(tmp_path)
    row = session.accept(hear(session, telugu[0]).name)
    with open(tmp_path / SESSION_JOURNAL, "ab") as journal:
        journal.write(line + b"\n")
    again = RecordingSession(TEXTS, tmp_path)
    assert again.prompt.text == TEXTS[1] and again.progress.skipped == 0 and rows_of(tmp_path) == [row]


@pytest.mark.parametrize("speaker", ["రాజ్\u200cకుమార్", "山田\u3000太郎"])
def test_a_speaker_may_have_any_name_that_people_write(tmp_path, telugu, speaker):
    session = RecordingSession(TEXTS, tmp_path)
    session.give_consent(speaker, "te", "CC0-1.0")
    session.accept(hear(session, telugu[0]).name)
    assert rows_of(tmp_path)[0].speaker == " ".join(speaker.split())
    session.close()
