"""The terminal's face of a session, with a sound card made of real speech and keys from a list."""

import io
import os
import pty
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soxr
from rich.console import Console

from telucodec.apps import record_terminal
from telucodec.apps.record_terminal import Microphone, ask_consent, keyboard, need_terminal, record_at_terminal
from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.manifest import read_manifest, read_segment
from telucodec.data.recording_session import RecordingSession
from telucodec.errors import TelucodecError

TEXTS = ["మంచి రోజు", "నమస్కారం", "చాలా"]
CARD_RATE = 48_000


class PortAudioError(Exception):
    pass


class SoundCard:
    """As much of the package sounddevice as is used: a stream that hands over all of `wave` at once when it is opened."""

    PortAudioError = PortAudioError

    def __init__(self, wave, has_input=True):
        self.wave, self.has_input, self.played = wave, has_input, []

    def query_devices(self, device, kind):
        if not self.has_input:
            raise PortAudioError("Error querying\ndevice -1")
        return {"default_samplerate": float(CARD_RATE)}

    def InputStream(self, samplerate, channels, dtype, device, callback):
        assert (samplerate, channels, dtype) == (CARD_RATE, 1, "float32")
        self.callback = callback
        return self

    def __enter__(self):
        buffer = np.empty((1024, 1), np.float32)  # used again and again, as PortAudio does
        for start in range(0, len(self.wave) - 1023, 1024):
            buffer[:, 0] = self.wave[start : start + 1024]
            self.callback(buffer, 1024, None, None)
        return self

    def __exit__(self, *error):
        pass

    def play(self, wave, sample_rate, blocking):
        self.played.append((wave, sample_rate))


@pytest.fixture
def card(telugu, monkeypatch):
    card = SoundCard(soxr.resample(telugu[0], SAMPLE_RATE, CARD_RATE))
    monkeypatch.setitem(sys.modules, "sounddevice", card)
    return card


def keys_from(pressed):
    left = iter(pressed)
    return lambda timeout_s: next(left)


def go(session, card, pressed):
    """What is shown while the keys `pressed` are typed; a space is a moment in which none is."""
    shown = Console(file=io.StringIO(), width=100)
    record_at_terminal(session, Microphone(), keys_from([key.strip(" ") for key in pressed]), shown)
    return shown.file.getvalue()


@pytest.fixture
def session(tmp_path):
    session = RecordingSession(TEXTS, tmp_path)
    session.give_consent("kavya", "te", "CC0-1.0")
    return session


def test_record_play_retake_accept_skip_and_quit(session, card, telugu, tmp_path):
    shown = go(session, card, ["\n", " ", " ", "\n", " ", "x", "p", "r", "\n", " ", "\n", "a", "s", "q"])
    assert all(text in shown for text in TEXTS) and "Sounds good" in shown and "1 of 3 sentences, 1 skipped" in shown
    (row,) = read_manifest(tmp_path / "manifest.csv")
    kept = read_segment(row, tmp_path)[0]
    size = min(len(kept), telugu.shape[-1])
    assert row.text == TEXTS[0] and size > 0.98 * telugu.shape[-1]
    assert np.corrcoef(kept[:size], telugu[0, :size])[0, 1] > 0.999
    ((played, rate),) = card.played
    assert rate == CARD_RATE and len(played) == len(card.wave) // 1024 * 1024
    assert RecordingSession(TEXTS, tmp_path).prompt.text == TEXTS[2]


def test_quitting_at_a_verdict_keeps_nothing(session, card, tmp_path):
    go(session, card, ["\n", " ", "\n", "q"])
    assert session.take is None and not (tmp_path / "manifest.csv").exists()


def test_a_bad_take_is_told_in_words(session, card):
    card.wave = np.clip(8 * card.wave, -1, 1)
    shown = " ".join(go(session, card, ["\n", " ", "\n", "q"]).split())
    assert "clipped: " in shown and "turn its gain down" in shown


def test_a_take_ends_by_itself_before_it_is_too_long(session, card):
    card.wave = np.tile(card.wave, 20)
    assert len(card.wave) > 61 * CARD_RATE
    assert len(Microphone().record(lambda duration_s, level_db: True)) == 60 * CARD_RATE


@pytest.mark.parametrize("fault, told", [(lambda x: x[:0], "no sound came"), (lambda x: x * np.float32(np.nan), "no sound;")])
def test_a_take_that_is_none_is_told_and_the_session_goes_on(session, card, fault, told):
    wave, card.wave = card.wave, fault(card.wave)
    keys = ["\n", " ", "\n", "\n", "q"]
    shown = " ".join(go(session, card, keys).split())
    assert told in shown and session.prompt.text == TEXTS[0]
    card.wave = wave
    go(session, card, ["\n", " ", "\n", "a", "q"])
    assert session.prompt.text == TEXTS[1]


def test_without_a_microphone_one_line_tells(card):
    card.has_input = False
    with pytest.raises(TelucodecError, match="no microphone.*plug one in") as caught:
        Microphone()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("answers, agreed", [(["kavya", "CC0-1.0", "yes"], True), (["kavya", "CC0-1.0", "no"], False), (["kavya"], False)])
def test_consent_is_shown_and_asked_for_once(tmp_path, monkeypatch, answers, agreed):
    session, shown, left = RecordingSession(TEXTS, tmp_path), Console(file=io.StringIO(), width=100), iter(answers)

    def answer(question):
        for line in left:
            return line
        raise EOFError

    monkeypatch.setattr(shown, "input", answer)
    assert ask_consent(session, "", "te", "", shown) == agreed
    assert "may stop at any time" in shown.file.getvalue()
    assert (tmp_path / "consent.json").exists() == agreed
    if agreed:
        assert ask_consent(RecordingSession(TEXTS, tmp_path), "", "", "", shown)  # without a question


def test_single_keys_are_read_from_a_terminal_and_it_is_left_as_it_was(monkeypatch):
    outer, inner = pty.openpty()
    with os.fdopen(inner, "r") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        before = record_terminal.termios.tcgetattr(inner)
        with keyboard() as keys:
            assert keys(0.0) == ""
            os.write(outer, b"A")
            assert keys(5.0) == "a"
        assert record_terminal.termios.tcgetattr(inner) == before
    os.close(outer)


def test_without_a_terminal_one_line_tells(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    with pytest.raises(TelucodecError, match="--web"):
        need_terminal()
