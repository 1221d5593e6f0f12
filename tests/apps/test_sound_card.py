"""Where microphone and speaker cannot be reached, one line tells what to install or what to do without them."""

import sys

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
