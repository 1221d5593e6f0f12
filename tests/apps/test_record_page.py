"""The recording page's server answers its own page and nobody else, bounds what it reads, and lets no request name a file."""

import http.client
import json
import os
import re
import socket
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.recording_session import MAX_TAKE_S, RecordingSession
from telucodec.errors import TelucodecError

pytest.importorskip("starlette", reason="starlette is not installed: pip install 'telucodec[record]'")
pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install 'telucodec[record]'")
from telucodec.apps.local_page import HOST, TOKEN_HEADER, OwnPagesOnly
from telucodec.apps.record_page import record_server

TEXTS = ["మంచి రోజు", "నమస్కారం"]


@contextmanager
def running(folder):
    session = RecordingSession(TEXTS, folder / "out")
    server = record_server(session, 0)
    server.session = session
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server
    server.stop()
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def server(tmp_path):
    with running(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def refusing(tmp_path_factory):
    """One server for all requests that it must refuse; consent is given, nothing may happen to it otherwise."""
    folder = tmp_path_factory.mktemp("refusing")
    with running(folder) as server:
        agree(server)
        before = ask(server, "GET", "/state"), files_below(folder)
        yield server
        assert (ask(server, "GET", "/state"), files_below(folder)) == before


def ask(server, method, path, body=b"", **headers):
    """Status and body of the answer; headers replace those of the page, None leaves one out."""
    usual = {
        "Host": f"{HOST}:{server.port}",
        TOKEN_HEADER: server.token,
        "Origin": f"http://{HOST}:{server.port}",
        "Content-Length": str(len(body)),
    }
    sent = usual | {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection(HOST, server.port, timeout=10)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in sent.items():
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def form(server, path, **words):
    return ask(server, "POST", path, json.dumps(words).encode())


def agree(server):
    status, state = form(server, "/consent", speaker="kavya", language="te", licence="CC0-1.0")
    assert status == 200
    return json.loads(state)


def send_take(server, telugu, prompt):
    return ask(server, "POST", f"/take?rate={SAMPLE_RATE}&prompt={prompt}", telugu[0].astype("<f4").tobytes())


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_from_consent_to_rows(server, telugu, tmp_path):
    state = agree(server)
    status, answer = send_take(server, telugu, state["prompt"]["name"])
    take = json.loads(answer)["take"]
    assert status == 200 and take["findings"] == []
    status, sound = ask(server, "GET", f"/take/{take['name']}")
    assert status == 200 and sound[:4] == b"RIFF" and len(sound) == 44 + 2 * telugu.shape[-1]
    status, answer = form(server, "/accept", take=take["name"])
    state = json.loads(answer)
    assert status == 200 and state["take"] is None and state["prompt"]["text"] == TEXTS[1] and state["progress"]["done"] == 1
    assert form(server, "/skip", prompt=state["prompt"]["name"])[0] == 200
    assert json.loads(ask(server, "GET", "/state")[1])["prompt"] is None
    assert len(files_below(tmp_path / "out" / "audio")) == 1


def test_it_listens_on_this_machine_alone(refusing):
    assert refusing._socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", "", None])
@pytest.mark.parametrize("path", ["/", "/state"])
def test_another_name_is_refused(refusing, host, path):
    status, content = ask(refusing, "GET", path, Host=host and host.format(port=refusing.port))
    assert status in (400, 403) and refusing.token.encode() not in content


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1"])
def test_another_origin_is_refused(refusing, origin):
    origin = origin.format(port=refusing.port)
    assert ask(refusing, "POST", "/consent", b"{}", Origin=origin)[0] == 403
    assert ask(refusing, "GET", "/", Origin=origin)[0] == 403


@pytest.mark.parametrize("token", [None, "", "wrong", "\xff"])
@pytest.mark.parametrize(
    "method, path", [("GET", "/state"), ("GET", "/take/x"), ("POST", "/take"), ("POST", "/skip"), ("POST", "/finish"), ("GET", "/x")]
)
def test_without_the_token_nothing_answers(refusing, method, path, token):
    assert ask(refusing, method, path, x_telucodec_token=token)[0] == 403


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token={token}x", "?x=1&token={token}"])
def test_the_page_is_for_those_alone_who_know_its_address(refusing, query):
    assert ask(refusing, "GET", f"/?token={refusing.token}", x_telucodec_token=None)[0] == 200
    status, content = ask(refusing, "GET", "/" + query.format(token=refusing.token))
    assert status == 403 and refusing.token.encode() not in content


def test_the_page_fetches_nothing_and_runs_its_own_script_alone(refusing):
    connection = http.client.HTTPConnection(HOST, refusing.port, timeout=10)
    connection.request("GET", f"/?token={refusing.token}", headers={"Host": f"{HOST}:{refusing.port}"})
    answer = connection.getresponse()
    policy, page = answer.getheader("Content-Security-Policy"), answer.read().decode()
    connection.close()
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert refusing.token in page and not re.search(r"(src|href)=\"(?!data:,)", page) and "https:" not in page


def test_a_take_that_states_too_much_is_refused_before_it_is_read(refusing):
    connection = socket.create_connection((HOST, refusing.port), timeout=10)
    head = (
        f"POST /take?rate=16000&prompt=x HTTP/1.1\r\nHost: {HOST}:{refusing.port}\r\n{TOKEN_HEADER}: {refusing.token}\r\n"
        f"Content-Length: {int(MAX_TAKE_S) * 16000 * 4 + 1}\r\n\r\n"
    )
    connection.sendall(head.encode())  # and not a byte of the body
    assert connection.recv(100).startswith(b"HTTP/1.1 413")
    connection.close()


def test_a_take_that_states_nothing_is_read_up_to_the_bound(refusing):
    connection = socket.create_connection((HOST, refusing.port), timeout=10)
    head = f"POST /take?rate=8000&prompt=x HTTP/1.1\r\nHost: {HOST}:{refusing.port}\r\n{TOKEN_HEADER}: {refusing.token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection.sendall(head.encode())
    piece = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    for _ in range(8000 * int(MAX_TAKE_S) * 4 // 0x10000 + 1):
        connection.sendall(piece)  # and never the end
    assert connection.recv(100).startswith(b"HTTP/1.1 413")
    connection.close()
    assert refusing.session.take is None


@pytest.mark.parametrize("rate", ["", "0", "x", "-16000", "16000.5", "999999", "1e4", "٣٢٠٠٠"])
def test_a_rate_that_is_none_is_refused(refusing, rate):
    state = json.loads(ask(refusing, "GET", "/state")[1])
    path = f"/take?rate={''.join(f'%{byte:02x}' for byte in rate.encode())}&prompt={state['prompt']['name']}"
    assert ask(refusing, "POST", path, bytes(64_000))[0] == 400


@pytest.mark.parametrize("body", [b"", b"abc", np.full(16_000, np.inf, "<f4").tobytes()])
def test_a_take_that_is_no_sound_is_refused(refusing, body):
    state = json.loads(ask(refusing, "GET", "/state")[1])
    assert ask(refusing, "POST", f"/take?rate=16000&prompt={state['prompt']['name']}", body)[0] == 400


@pytest.mark.parametrize("name", ["unknown", "../consent.json", "..%2f..%2fconsent.json", "%2e%2e/consent.json", "%00", "%2fetc%2fpasswd"])
def test_no_request_names_a_file(server, telugu, tmp_path, name):
    state = agree(server)
    send_take(server, telugu, state["prompt"]["name"])
    before = files_below(tmp_path)
    status, content = ask(server, "GET", f"/take/{name}")
    assert status in (404, 409) and b"kavya" not in content and b"root:" not in content
    assert ask(server, "POST", f"/take?rate=16000&prompt={name}", bytes(64_000))[0] == 409
    for path, word in [("/accept", "take"), ("/retake", "take"), ("/skip", "prompt")]:
        assert form(server, path, **{word: name})[0] == 409
    assert files_below(tmp_path) == before


def test_a_speaker_cannot_name_a_folder_elsewhere(server, tmp_path):
    for speaker in ("../../x", "/tmp/x", "a/b", "..", ".x"):
        assert form(server, "/consent", speaker=speaker, language="te", licence="CC0-1.0")[0] == 400
    assert files_below(tmp_path) == set()


@pytest.mark.parametrize("word", ["\u2068రవి\u2069", "a\0", "\ud800"])
@pytest.mark.parametrize("name", ["speaker", "language", "licence"])
def test_words_that_do_not_print_are_told_by_their_names(server, tmp_path, name, word):
    status, answer = form(server, "/consent", **({"speaker": "kavya", "language": "te", "licence": "CC0-1.0"} | {name: word}))
    assert status == 400 and json.loads(answer)["error"].startswith(f"{name}: holds characters that do not print")
    assert files_below(tmp_path) == set()


def test_a_folder_whose_name_is_not_utf_8_takes_recordings(telugu, tmp_path):
    folder = tmp_path / os.fsdecode(b"rec\xe9")
    with running(folder) as server:
        name = agree(server)["prompt"]["name"]
        status, answer = send_take(server, telugu, name)
        assert status == 200 and json.loads(answer)["folder"].endswith("rec\ufffd/out")
        assert form(server, "/accept", take=json.loads(answer)["take"]["name"])[0] == 200
    assert len(files_below(folder / "out" / "audio")) == 1


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"null", b'{"take": 1}', b'{"take": ["x"]}', b"\xff", b"[" * 9000, b'{"take": "' + b"x" * 20_000 + b'"}']
)
def test_what_is_no_form_is_refused(refusing, body):
    assert ask(refusing, "POST", "/accept", body)[0] in (400, 413)
    assert ask(refusing, "GET", "/state")[0] == 200


def test_before_consent_nothing_can_be_recorded(server, telugu):
    assert send_take(server, telugu, "x")[0] == 409


def test_a_port_that_is_taken_is_told(server, tmp_path):
    with pytest.raises(TelucodecError, match="--port"):
        record_server(RecordingSession(TEXTS, tmp_path / "other"), server.port)


def test_at_port_80_browsers_name_no_port():
    page = OwnPagesOnly(None, 80, "x")
    assert b"127.0.0.1" in page.hosts and b"http://127.0.0.1" in page.origins


def test_an_upload_that_hangs_when_the_page_ends_is_no_trouble(tmp_path, capfd):
    with running(tmp_path) as server:
        agree(server)
        connection = socket.create_connection((HOST, server.port), timeout=10)
        head = f"POST /take?rate=8000&prompt=x HTTP/1.1\r\nHost: {HOST}:{server.port}\r\n{TOKEN_HEADER}: {server.token}\r\nContent-Length: 99\r\n\r\n"
        connection.sendall(head.encode())
        time.sleep(0.3)
    connection.close()
    assert "Traceback" not in capfd.readouterr().err
