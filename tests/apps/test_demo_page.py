"""The demonstration's server answers its own page only, takes no more than it says, and shows numbers of what it did."""

import io
import threading
import time
from http.client import HTTPConnection

import numpy as np
import pytest
import soundfile

pytest.importorskip("starlette", reason="starlette is not installed: pip install 'telucodec[record]'")

from telucodec.apps import demo_page
from telucodec.apps.demo_page import before_and_after, demo_server, rates_of
from telucodec.apps.local_page import HOST, TOKEN_HEADER
from telucodec.audio.sound_file import flac_bytes
from telucodec.errors import MediaError


@pytest.fixture
def server(codec):
    server = demo_server(codec, 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server
    server.stop()
    thread.join(10)


def ask(server, method="POST", path="/try?kbps=6.3&mode=natural", body=b"", **headers):
    """Status and body of an answer; a header that is None is left out."""
    sent = {"Host": f"{HOST}:{server.port}", TOKEN_HEADER: server.token} | headers
    for _ in range(100):
        try:
            connection = HTTPConnection(HOST, server.port, timeout=60)
            connection.request(method, path, body, {name: value for name, value in sent.items() if value is not None})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except ConnectionRefusedError:
            time.sleep(0.05)
    pytest.fail("the server did not start")


@pytest.mark.parametrize(
    "headers, status",
    [
        ({TOKEN_HEADER: None}, 403),
        ({TOKEN_HEADER: "x"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Content-Length": str(demo_page.MAX_FILE_BYTES + 1)}, 413),
    ],
)
def test_what_is_not_its_own_page_or_too_long_is_refused(server, headers, status):
    assert ask(server, **headers)[0] == status


@pytest.mark.parametrize("query", ["", "?kbps=6.3", "?kbps=7&mode=natural", "?kbps=6.3&mode=../x", "?kbps=nan&mode=natural"])
def test_only_rates_and_modes_on_offer_are_taken(server, query):
    status, line = ask(server, path=f"/try{query}", body=b"x")
    assert status == 400 and "choose a rate" in line


@pytest.mark.parametrize("body", [b"", b"no sound at all", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_sound_is_one_line_without_a_path(server, body):
    status, line = ask(server, body=body)
    assert status == 400 and "the file" in line and "/tmp" not in line


@pytest.mark.parametrize("loudest", [100.0, 1e38])
def test_sound_far_beyond_full_scale_is_for_the_user_to_mend(server, loudest):
    file = io.BytesIO()
    soundfile.write(file, np.full(16_000, loudest), 16_000, "FLOAT", format="WAV")
    status, line = ask(server, body=file.getvalue())
    assert status == 400 and "far beyond full scale" in line and "/tmp" not in line


def test_numbers_are_those_of_the_sound(codec, telugu):
    wave = telugu[:, 16_000:48_000]
    found = before_and_after(codec, flac_bytes(wave, 16_000), 6.3, "natural")
    assert (found["duration_s"], found["pcm_bytes"], found["is_whole"]) == (2.0, 64_000, True)
    assert found["bytes"] == len(codec.encode(wave, kbps=6.3, mode="natural")) and found["kbps"] == found["bytes"] * 8 / 2000
    assert found["snr_db"] > 5


def test_a_long_file_is_heard_from_its_beginning_and_silence_has_no_snr(codec, monkeypatch):
    monkeypatch.setattr(demo_page, "MAX_S", 0.5)
    found = before_and_after(codec, flac_bytes(np.zeros((1, 16_000), np.float32), 16_000), 6.3, "natural")
    assert (found["duration_s"], found["is_whole"], found["snr_db"]) == (0.5, False, None)
    with pytest.raises(MediaError, match="the file"):
        before_and_after(codec, b"", 6.3, "natural")


def test_rates_rise_and_one_is_near_what_the_codec_takes_by_itself(codec):
    rates = rates_of(codec)
    assert rates == sorted(set(rates)) and min(abs(kbps - codec.default_kbps) for kbps in rates) < 1
