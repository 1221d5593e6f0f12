"""Where microphone and speaker cannot be reached, one line tells what to install or what to do without them."""

import sys
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from telucodec.apps.live import microphone, play
from telucodec.apps.record_terminal import Microphone
from telucodec.errors import TelucodecError


@pytest.mark.parametrize(
    ("call", "instead"), [(Microphone, "--web"), (lambda: next(microphone(bool)), "give a file"), (lambda: play([]), "--out")]
)
@pytest.mark.parametrize(("fault", "remedy"), [(ImportError("none"), "pip install"), (OSError("no PortAudio"), "libportaudio2")])
def test_without_the_library_one_line_tells(monkeypatch, fault, remedy, call, instead):
    def refuse(name, *rest):
        if name == "sounddevice":
            raise fault
        return imported(name, *rest)

    imported = __import__
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr("builtins.__import__", refuse)
    with pytest.raises(TelucodecError, match=f"{remedy}.*{instead}") as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.fixture
def card(monkeypatch):
    """A sound card whose microphone gives samples that are no numbers, and whose speaker takes everything."""

    @contextmanager
    def stream(**settings):
        yield SimpleNamespace(read=lambda size: (np.full((size, 1), np.nan, np.float32), False), write=lambda block: None)

    card = ModuleType("sounddevice")
    card.PortAudioError, card.InputStream, card.OutputStream = type("PortAudioError", (Exception,), {}), stream, stream
    monkeypatch.setitem(sys.modules, "sounddevice", card)


def test_a_microphone_that_gives_no_numbers_is_named_whoever_listens(card):
    with pytest.raises(TelucodecError, match="the microphone gives numbers that are no sound"):
        play(microphone(iter([False, True]).__next__))


def test_a_slip_in_what_is_played_is_not_blamed_on_the_speaker(card):
    def slip():
        raise ValueError("a slip")
        yield

    with pytest.raises(ValueError, match="a slip"):
        play(slip())
