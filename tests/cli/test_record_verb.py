"""`telucodec record` as a person types it."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.manifest import read_manifest

COMMAND = [sys.executable, "-c", "from telucodec.cli.main import main; main()", "record"]


def run(*arguments, **options):
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.tsv"
    path.write_text("నమస్కారం\tCC0-1.0 somewhere\nమంచి రోజు\nనమస్కారం\n\n", "utf-8")
    return path


class Served:
    """`telucodec record --web` in a process of its own."""

    def __init__(self, *arguments):
        pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install 'telucodec[record]'")
        self.process = subprocess.Popen([*COMMAND, *map(str, arguments), "--web", "--port", "0"], stdout=subprocess.PIPE, text=True)
        self.host, self.token = re.search(r"http://(127\.0\.0\.1:\d+)/\?token=(\S+)", self.process.stdout.readline()).groups()
        self.ask("GET", f"/?token={self.token}")  # the server runs, and takes signals

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.host, timeout=20)
        connection.request(method, path, body, {"X-Telucodec-Token": self.token})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        assert answer.status == 200, content
        return content

    def post(self, path, **words):
        return json.loads(self.ask("POST", path, json.dumps(words)))

    def record(self, wave):
        name = json.loads(self.ask("GET", "/state"))["prompt"]["name"]
        state = json.loads(self.ask("POST", f"/take?rate={SAMPLE_RATE}&prompt={name}", wave.astype("<f4").tobytes()))
        return self.post("/accept", take=state["take"]["name"])

    def ended(self):
        """What was printed last, and the exit code."""
        said = self.process.communicate(timeout=20)[0]
        return said, self.process.returncode


def test_a_killed_process_goes_on_and_the_last_line_says_what_was_made(prompts, telugu, tmp_path):
    out = tmp_path / "out"
    first = Served(prompts, "--out", out)
    first.post("/consent", speaker="kavya", language="te", licence="CC0-1.0")
    first.record(telugu[0])
    first.process.send_signal(signal.SIGKILL)
    first.ended()
    again = Served(prompts, "--out", out, "--speaker", "kavya")
    state = again.record(np.clip(telugu[0], -1, 1))
    assert state["prompt"] is None and state["consent"]["speaker"] == "kavya"
    again.post("/finish")
    said, code = again.ended()
    assert code == 0 and "manifest.csv: 2 of 2 sentences, 0.4 minutes, 19 of 19 pairs of neighbouring sounds" in said
    assert sorted(row.text for row in read_manifest(out / "manifest.csv")) == ["నమస్కారం", "మంచి రోజు"]


def test_ctrl_c_ends_the_page_and_tells_what_was_made(prompts, tmp_path):
    served = Served(prompts, "--out", tmp_path / "out")
    served.process.send_signal(signal.SIGINT)
    said, code = served.ended()
    assert code == 130 and "nothing was recorded" in said


def test_two_recorders_do_not_share_a_folder(prompts, telugu, tmp_path):
    out = tmp_path / "out"
    first = Served(prompts, "--out", out)
    first.post("/consent", speaker="kavya", language="te", licence="CC0-1.0")
    second = run(prompts, "--out", out, "--web", "--port", "0")
    assert second.returncode == 2
    assert "another run is writing there" in second.stderr
    assert first.record(telugu[0])["prompt"]["number"] == 2
    first.post("/finish")
    assert first.ended()[1] == 0


def test_a_slip_is_one_clear_line(prompts, tmp_path):
    def complaint(*arguments, **options):
        done = run(*arguments, **options)
        (line,) = done.stderr.splitlines()
        assert done.returncode == 2
        return line

    assert "no such file" in complaint(tmp_path / "none.txt", "--out", tmp_path / "out")
    (tmp_path / "empty.txt").touch()
    assert "holds no sentence" in complaint(tmp_path / "empty.txt", "--out", tmp_path / "out")
    (tmp_path / "odd.txt").write_text("మంచి రోజు\n\nनमस्ते\u202e\n", "utf-8")
    assert "odd.txt, line 3: holds characters" in complaint(tmp_path / "odd.txt", "--out", tmp_path / "out")
    assert "is empty" in complaint(prompts, "--out", tmp_path / "out", "--consent", tmp_path / "empty.txt")
    assert "needs a terminal" in complaint(prompts, "--out", tmp_path / "out")
    for name in ("--speaker", "--language", "--licence"):
        assert f"{name[2:]}: holds" in complaint(
            prompts, "--out", tmp_path / "out", "--web", "--port", "0", name, os.fsdecode(b"a\xff"), timeout=60
        )
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "consent.json").write_text("{", "utf-8")
    assert "cannot be read" in complaint(prompts, "--out", tmp_path / "broken", "--web", "--port", "0")
