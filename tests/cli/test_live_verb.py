"""A call through real sockets on this machine, files in the place of microphone and speaker."""

import json
import socket

import numpy as np
import pytest
from typer.testing import CliRunner

from telucodec.apps.live import Call
from telucodec.audio.media import read_media
from telucodec.audio.sound_file import write_audio
from telucodec.cli.main import app
from telucodec.stream import Decoder, Encoder
from telucodec.stream.channel import losses
from telucodec.stream.packet import live_identity


@pytest.fixture(scope="module")
def clip(telugu, tmp_path_factory):
    path = tmp_path_factory.mktemp("live") / "said.wav"
    write_audio(path, telugu[:, 16_000:40_000], 16_000)
    return path


def call(*arguments):
    done = CliRunner().invoke(app, ["live", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_what_is_said_is_heard_through_sockets_and_jitter(clip, tmp_path):
    told = json.loads(call(clip, "--out", tmp_path / "heard.wav", "--jitter", 2, "--json"))
    said, heard = read_media(clip), read_media(tmp_path / "heard.wav")[:, 320:]
    said, heard = said[:, : heard.shape[-1]], heard[:, : said.shape[-1]]
    assert told["played"] == told["packets"]
    assert told["latency_ms"] == 60 + 2 * 40
    assert 10 * np.log10((said**2).sum() / ((said - heard) ** 2).sum()) > 14


def test_latency_is_that_of_the_line_too_and_all_that_came_is_heard(clip, tmp_path):
    said = read_media(clip)
    for depth, jitter in ((2, 5), (0, 50)):
        told = json.loads(call(clip, "--out", tmp_path / "heard.wav", "--depth", depth, "--jitter", jitter, "--json"))
        assert told["latency_ms"] > 60 + 40 * depth
        assert read_media(tmp_path / "heard.wav").shape[-1] >= said.shape[-1]


def test_lost_packets_are_recovered_or_concealed_and_counted(clip, tmp_path):
    told = json.loads(call(clip, "--out", tmp_path / "heard.wav", "--loss", 20, "--copies", "--kbps", 16, "--json"))
    assert told["lost_by_the_line"] == told["recovered"] + told["concealed"] > 0
    assert told["recovered"] > 0
    assert "recovered from copies" in call(clip, "--out", tmp_path / "heard.wav")


def test_datagrams_of_others_are_passed_over(codec, telugu):
    """Garbage, packets of another model and of another sender reach the same port in the middle of a call."""
    running = Call(Encoder(codec), Decoder(codec), 1, losses(0.0, 1.0, seed=0))
    deliver = running._deliver

    def with_strangers(sender):
        for datagram in (
            b"",
            b"short",
            b"XXXX\x00\x00" + bytes(50),
            live_identity(codec.model) + b"\x05\x00" + bytes(1300),
            live_identity(codec.model) + b"\x05\x00" + bytes(9),
        ):
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(datagram, sender.getpeername())
        deliver(sender)

    running._deliver = with_strangers
    heard = np.concatenate(list(running.sound([telugu[:, 16_000:32_000]])), axis=-1)
    assert (running.buffer.played, running.buffer.refused) == (running.sent, 0)
    assert np.abs(heard).max() > 0.01


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_last_of_it_is_heard_with_the_synthesis_too(tmp_path, frames):
    said = np.zeros((1, 16_000), np.float32)
    said[:, -320:] = 0.3 * np.sin(np.arange(320) * 0.3)
    write_audio(tmp_path / "end.wav", said, 16_000)
    call(tmp_path / "end.wav", "--out", tmp_path / "heard.wav", "--synthesis", "--packet-frames", frames)
    assert np.sqrt((read_media(tmp_path / "heard.wav")[0, -1000:] ** 2).sum()) > 1
