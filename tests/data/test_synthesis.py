"""Synthetic speech: what every synthesiser promises, and what becomes of sentences."""

import shutil

import numpy as np
import pytest

from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.audio.sound_file import write_audio
from telucodec.data.importing import import_source
from telucodec.data.manifest import read_segment
from telucodec.data.prompts import Prompts
from telucodec.data.synthesis import SYNTHESISERS
from telucodec.data.synthesis.espeak import Espeak
from telucodec.errors import DataError, MediaError

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed: apt-get install espeak-ng")
PROMPTS = "నమస్కారం, మీరు ఎలా ఉన్నారు?\r\n\n  మంచి   రోజు\nనమస్కారం, మీరు ఎలా ఉన్నారు?\n-w evil.wav\n"


class Whistle:
    """A synthesiser for the tests: a tone as long as its text, and no questions."""

    name, language = "whistle", "te"

    def __init__(self):
        self.spoken = []

    def check(self):
        pass

    def speak(self, text, target):
        if "?" in text:
            raise MediaError("questions cannot be whistled; leave it out")
        self.spoken.append(text)
        write_audio(target, 0.2 * np.sin(np.arange(1000 * len(text)) / 9, dtype=np.float32)[None], SAMPLE_RATE)


@pytest.fixture
def prompts(tmp_path):
    (tmp_path / "prompts.txt").write_bytes(PROMPTS.encode())
    return tmp_path / "prompts.txt"


def test_a_sentence_is_spoken_once_and_its_row_is_synthetic(prompts, tmp_path):
    voice = Whistle()
    imported = import_source(Prompts(prompts, voice, licence="CC0-1.0"), tmp_path / "out", "tts")
    assert [row.text for row in imported.rows] == voice.spoken == ["మంచి రోజు", "-w evil.wav"]
    assert {(row.synthetic, row.speaker, row.language, row.licence) for row in imported.rows} == {(True, "whistle", "te", "CC0-1.0")}
    ((_, why),) = imported.rejected
    assert "cannot be whistled" in why
    (tmp_path / "prompts.txt").write_text("కొత్తది\n" + PROMPTS, "utf-8")
    more = import_source(Prompts(prompts, voice), tmp_path / "out", "tts")
    assert voice.spoken[2:] == ["కొత్తది"] and more.num_reused == 2
    assert not (tmp_path / "out" / ".incoming").exists()


def test_a_limit_takes_the_first_sentences_and_an_empty_file_is_told(prompts, tmp_path):
    prompts.write_text("ఒకటి\nరెండు\nమూడు\n", "utf-8")
    assert [row.text for row in import_source(Prompts(prompts, Whistle(), 2), tmp_path / "out", "tts").rows] == ["ఒకటి", "రెండు"]
    prompts.write_text("\n \n", "utf-8")
    with pytest.raises(DataError, match="holds no sentence"):
        import_source(Prompts(prompts, Whistle()), tmp_path / "out", "tts")


@pytest.mark.parametrize("make", SYNTHESISERS.values(), ids=SYNTHESISERS)
def test_telugu_is_spoken_the_same_each_time_and_longer_text_takes_longer(make, tmp_path):
    voice = make("te")
    try:
        voice.check()
    except DataError as error:
        pytest.skip(str(error))
    assert voice.language == "te"
    waves = []
    for number, text in enumerate(["నమస్కారం", "నమస్కారం", "నమస్కారం, మీరు ఎలా ఉన్నారు? నేను బాగున్నాను"]):
        voice.speak(text, tmp_path / f"{number}.wav")
        waves.append(read_media(tmp_path / f"{number}.wav"))
    np.testing.assert_array_equal(waves[0], waves[1])
    assert waves[2].shape[-1] > 2 * waves[0].shape[-1] and all(np.abs(wave).max() > 0.05 for wave in waves)


@needs_espeak
def test_prompts_become_rows_with_sound(prompts, tmp_path):
    imported = import_source(Prompts(prompts, Espeak("te")), tmp_path / "out", "tts")
    assert len(imported.rows) == 3 and not imported.rejected
    assert all(np.abs(read_segment(row, tmp_path / "out")).max() > 0.05 for row in imported.rows)


@needs_espeak
def test_a_voice_that_is_not_there_is_told():
    with pytest.raises(DataError, match="espeak-ng --voices"):
        Espeak("zz-none").check()


def test_without_the_program_the_remedy_is_told(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DataError, match="apt-get install espeak-ng"):
        Espeak().check()
