"""What is piped through `-` is what a file would hold, and nothing else comes out there."""

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

VIDEO = next((Path(__file__).parents[2] / "examples" / "speech" / "test" / "cv-telugu").glob("*.mp4"))


def telucodec(*arguments, **options):
    command = [sys.executable, "-c", "from telucodec.cli.main import main; main()", *map(str, arguments)]
    return subprocess.run(command, stderr=subprocess.PIPE, **options)


def test_sound_is_piped_there_and_back(tmp_path):
    assert telucodec("encode", VIDEO, tmp_path / "whole.tlc").returncode == 0
    packed = telucodec("encode", "-", "-", input=VIDEO.read_bytes(), stdout=subprocess.PIPE)
    assert packed.stdout == (tmp_path / "whole.tlc").read_bytes()
    assert b"times smaller" in packed.stderr
    back = telucodec("decode", "-", "-", "--json", input=packed.stdout, stdout=subprocess.PIPE)
    wave, sample_rate = soundfile.read(io.BytesIO(back.stdout))
    assert len(wave) / sample_rate == json.loads(back.stderr)["duration_s"] > 1


def test_a_named_pipe_is_read_like_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cp", VIDEO, tmp_path / "pipe"]):
        done = telucodec("encode", tmp_path / "pipe", tmp_path / "a.tlc")
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "a.tlc").stat().st_size > 100


@pytest.mark.parametrize(
    "content, told", [(b"", "empty (0 bytes); copy or record it again"), (b"no film at all, not a bit of it", "is no media file")]
)
def test_what_is_no_media_in_a_pipe_is_one_clear_line(tmp_path, content, told):
    done = telucodec("encode", "-", tmp_path / "a.tlc", input=content)
    assert done.returncode == 2
    assert told in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_terminal_is_no_pipe(tmp_path):
    ours, theirs = pty.openpty()
    try:
        nothing = telucodec("encode", "-", tmp_path / "a.tlc", stdin=theirs)
        noise = telucodec("encode", VIDEO, "-", stdout=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    closed = telucodec("encode", "-", tmp_path / "a.tlc", preexec_fn=lambda: os.close(0))
    assert [done.returncode for done in (nothing, noise, closed)] == [2, 2, 2]
    assert b"nothing is; name a file" in nothing.stderr
    assert nothing.stderr == closed.stderr
    assert b"would fill the terminal" in noise.stderr
