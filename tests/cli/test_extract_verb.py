"""Extraction as a person runs it: side by side, stopped and killed at any moment, looked at from a second terminal, on a cluster."""

import csv
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from telucodec.data.manifest import read_manifest

SPEECH = Path(__file__).parents[2] / "examples" / "speech"
FILM = SPEECH / "kerstin" / "kerstin-clips.mp4"
NUM_FILES = 160


def command(*arguments):
    return [sys.executable, "-c", "from telucodec.cli.main import main; main()", "extract", *map(str, arguments)]


def telucodec(*arguments, code=0, **options):
    done = subprocess.run(command(*arguments), capture_output=True, text=True, **options)
    assert done.returncode == code, done.stderr
    return done


def started(*arguments):
    """A process with a process group of its own."""
    return subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def alive(group):
    """How many processes of a group are at work; the dead that nobody buried do not count."""
    table = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    return sum(line.split()[0] == str(group) and not line.split()[1].startswith("Z") for line in table.splitlines())


def all_end(group, within_s=20):
    give_up = time.monotonic() + within_s
    while alive(group) and time.monotonic() < give_up:
        time.sleep(0.02)
    return not alive(group)


def finished(out):
    """What is finished: each FLAC file with a record, with what tells it from one made later."""
    states = {}
    for path in (out / "audio").rglob("[!.]*.json"):
        flac = path.with_suffix(".flac")
        if flac.exists():
            states[flac] = (flac.stat().st_ino, flac.stat().st_mtime_ns)
    return states


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A folder of many films and recordings, which are a few under many names."""
    folder = tmp_path_factory.mktemp("many")
    for number, clip in zip(range(NUM_FILES), [*sorted((SPEECH / "kerstin").glob("*.*"))] * NUM_FILES, strict=False):
        place = folder / ("లక్ష్మి" if number % 2 else "రాము") / f"మాట {number}{clip.suffix}"
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(clip)
    return folder


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A folder of two long recordings and a short one."""
    folder = tmp_path_factory.mktemp("long")
    wave = 0.3 * np.sin(np.arange(60 * 48_000) / 20)
    with soundfile.SoundFile(folder / "a.wav", "w", 48_000, 1, "PCM_U8") as file:
        for _ in range(10):
            file.write(wave)
    (folder / "b.wav").symlink_to(folder / "a.wav")
    soundfile.write(folder / "c.wav", wave, 48_000)
    return folder


def test_killed_at_any_moment_it_goes_on_and_leaves_nothing_torn(many, tmp_path):
    out = tmp_path / "out"
    waits, kills, known = random.Random(7), 0, {}
    for turn in range(10):
        process = started(many, "--out", out, "--jobs", 2)
        while process.poll() is None and len(finished(out)) <= len(known):
            time.sleep(0.01)  # the clock starts with its first new file
        time.sleep(waits.uniform(0, 0.06))
        if turn % 2:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        assert all_end(process.pid), "processes live on without their parent"
        now = finished(out)
        assert known.items() <= now.items(), "something finished was done again"
        known = now
    assert kills >= 6 and 0 < len(known) < NUM_FILES
    telucodec(many, "--out", out, "--jobs", 2)
    assert known.items() <= finished(out).items(), "something finished was done again"
    rows = read_manifest(out / "manifest.csv")
    assert len(rows) == NUM_FILES
    for row in rows:
        num_samples = len(soundfile.read(out / row.path)[0])
        assert num_samples == round(16_000 * row.duration_s), "torn"
        if row.recording.endswith(".flac"):
            assert num_samples == soundfile.info(many / row.recording).frames, "torn"
    assert {path.name for path in out.iterdir()} == {"audio", "manifest.csv", "manifest.jsonl", "failed.csv"}
    assert len([path for path in (out / "audio").rglob("*") if path.is_file()]) == 2 * NUM_FILES


@pytest.mark.parametrize("jobs, whom", [(1, "first"), (2, "first"), (2, "all")])
def test_ctrl_c_stops_at_once_and_a_second_terminal_sees_how_far_it_is(long, tmp_path, jobs, whom):
    out = tmp_path / "out"
    process = started(long, "--out", out, "--jobs", jobs)
    while process.poll() is None and not list(out.rglob(".*.part-*")):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGSTOP)  # the look takes a while on a busy machine
    if jobs == 2 and whom == "all":
        status = json.loads(telucodec(long, "--out", out, "--status", "--json").stdout)
        assert status["running"] and status["on_their_way"] and not status["failed"]
        assert status["done"] + len(status["on_their_way"]) + status["to_do"] == 3
    (os.killpg if whom == "all" else os.kill)(process.pid, signal.SIGINT)
    os.killpg(process.pid, signal.SIGCONT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    (line,) = errors.splitlines()
    assert "stopped" in line
    assert all_end(process.pid)
    assert not list(out.rglob(".*part-*"))
    known = finished(out)
    assert len(known) < 3
    telucodec(long, "--out", out, "--jobs", jobs)
    assert known.items() <= finished(out).items() and len(finished(out)) == 3


def test_bad_files_get_a_line_each_and_the_rest_is_done(tmp_path):
    media, out = tmp_path / "media", tmp_path / "out"
    media.mkdir()
    (media / "0 బైట్లు.mp4").touch()
    (media / "cut.mp4").write_bytes(FILM.read_bytes()[:100_000])
    (media / os.fsdecode(b"caf\xe9.mp4")).symlink_to(FILM)
    (media / "సినిమా.mp4").symlink_to(FILM)
    done = telucodec(media, "--out", out, "--jobs", 2, "--language", "te", "--licence", "CC0-1.0", code=2)
    assert "2 recordings" in done.stdout.splitlines()[-1] and "2 files failed" in done.stdout
    lines = done.stderr.splitlines()
    assert len(lines) == 3 and "2 of the media files could not be extracted, see failed.csv" in lines[-1]
    for name, reason in (("0 బైట్లు.mp4", "is empty"), ("cut.mp4", "breaks off at")):
        assert sum(name in line and reason in line for line in lines) == 1, lines
    with open(out / "failed.csv", encoding="utf-8", newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == ["0 బైట్లు.mp4", "cut.mp4"]
    assert {(row.source, row.language, row.licence) for row in read_manifest(out / "manifest.csv")} == {("own", "te", "CC0-1.0")}
    again = telucodec(media, "--out", out, "--json", code=2)
    assert "2 of them before" in again.stderr
    status = json.loads(again.stdout)
    assert (status["done"], len(status["failed"]), status["to_do"], status["running"]) == (2, 2, 0, False)
    assert "2 done" in telucodec(media, "--out", out, "--status").stdout.splitlines()[-1]


def test_a_full_disk_is_one_line_and_not_the_fault_of_the_file(long, tmp_path):
    def no_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    out = tmp_path / "out"
    done = telucodec(long, "--out", out, "--jobs", 2, code=2, preexec_fn=no_room)
    (line,) = done.stderr.splitlines()
    assert ".wav.flac: cannot be written" in line and "free some disk" in line
    assert [path.name for path in out.rglob("*")] == ["audio"]


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["empty", "--out", "out"], "empty: holds no audio or video file"),
        (["empty", "--out", "out", "--status"], "empty: holds no audio or video file"),
        (["nowhere", "--out", "out"], "nowhere: is no folder"),
        (["empty", "--out", "out", "--jobs", "2", "--cluster", "tcp://127.0.0.1:1"], "either --jobs or --cluster"),
    ],
)
def test_a_slip_is_one_clear_line(arguments, complaint, tmp_path):
    (tmp_path / "empty").mkdir()
    assert complaint in telucodec(*arguments, code=2, cwd=tmp_path).stderr


@pytest.fixture(scope="module")
def dask():
    """A scheduler and two processes that work for it."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster:
        yield cluster.scheduler_address


def test_a_cluster_makes_the_same_files(dask, tmp_path):
    media = tmp_path / "media"
    media.mkdir()
    for number, clip in enumerate(sorted((SPEECH / "kerstin").iterdir())[:8]):
        (media / f"మాట {number}{clip.suffix}").symlink_to(clip)
    (media / os.fsdecode(b"caf\xe9.mp4")).symlink_to(FILM)
    (media / "empty.mp4").touch()
    here = telucodec(media, "--out", tmp_path / "here", "--jobs", 1, code=2)
    there = telucodec(media, "--out", tmp_path / "there", "--cluster", dask, code=2)
    assert there.stdout.replace("there", "here") == here.stdout and there.stderr == here.stderr
    names = sorted(path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*") if path.is_file())
    assert len(names) == 9 * 2 + 1 + 3
    for name in names:
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()
    known = finished(tmp_path / "there")
    telucodec(media, "--out", tmp_path / "there", "--cluster", dask, code=2)
    assert finished(tmp_path / "there") == known


def test_a_run_on_a_cluster_can_be_stopped(dask, long, tmp_path):
    out = tmp_path / "out"
    process = started(long, "--out", out, "--cluster", dask)
    while process.poll() is None and not list(out.rglob(".*.part-*")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    (line,) = errors.splitlines()
    assert "stopped" in line
    telucodec(long, "--out", out, "--cluster", dask)
    assert len(read_manifest(out / "manifest.csv")) == 3
    assert not list(out.rglob(".*part-*"))


def test_a_cluster_that_cannot_work_is_one_line(long, tmp_path):
    distributed = pytest.importorskip("distributed")
    done = telucodec(long, "--out", tmp_path / "out", "--cluster", "tcp://127.0.0.1:1", code=2)
    (line,) = done.stderr.splitlines()
    assert "tcp://127.0.0.1:1: no Dask scheduler answers there" in line
    with distributed.LocalCluster(n_workers=0, processes=False, protocol="tcp", dashboard_address=":0") as cluster:
        done = telucodec(long, "--out", tmp_path / "out", "--cluster", cluster.scheduler_address, code=2)
    (line,) = done.stderr.splitlines()
    assert "has no workers" in line


def test_the_manifest_of_another_folder_is_not_written_over(tmp_path):
    for folder in ("monday", "tuesday"):
        (tmp_path / folder).mkdir()
        soundfile.write(tmp_path / folder / f"{folder}.wav", np.full(16_000, 0.1), 16_000)
    telucodec(tmp_path / "monday", "--out", tmp_path / "out")
    refused = telucodec(tmp_path / "tuesday", "--out", tmp_path / "out", code=2)
    assert "monday.wav" in refused.stderr and "--out" in refused.stderr
    assert [row.recording for row in read_manifest(tmp_path / "out" / "manifest.csv")] == ["monday.wav"]
    (tmp_path / "monday" / "monday.wav").rename(tmp_path / "tuesday" / "monday.wav")
    telucodec(tmp_path / "tuesday", "--out", tmp_path / "out")
    assert len(read_manifest(tmp_path / "out" / "manifest.csv")) == 2
