"""The command as a person or a script meets it: a process, its files, its lines, its exit code."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from small_codecs import made as bundle_of
from small_codecs import small_codec
from typer.main import get_command
from typer.testing import CliRunner

from telucodec import __version__
from telucodec.cli.main import VERBS, app
from telucodec.metrics import METRICS

SPEECH = Path(__file__).parents[2] / "examples" / "speech"
VIDEO = next((SPEECH / "test" / "cv-telugu").glob("*.mp4"))


def telucodec(*arguments, **options):
    command = [sys.executable, "-c", "from telucodec.cli.main import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, errors="surrogateescape", **options)


@pytest.fixture(scope="module")
def coded(tmp_path_factory):
    """A video of Telugu speech as a .tlc file."""
    target = tmp_path_factory.mktemp("coded") / "నమూనా పరీక్ష.tlc"
    done = telucodec("encode", VIDEO, target, "--kbps", "6")
    assert done.returncode == 0, done.stderr
    return target


def test_a_video_goes_there_and_back(coded, tmp_path):
    back = tmp_path / "back.wav"
    done = telucodec("decode", coded, back)
    assert done.returncode == 0, done.stderr
    wave, sample_rate = soundfile.read(back)
    facts = json.loads(telucodec("info", coded, "--json").stdout)
    assert sample_rate == facts["sample_rate"] == 16_000
    assert len(wave) == facts["samples"]
    assert facts["kbps"] == pytest.approx(6, rel=0.03)
    assert facts["bytes"] == coded.stat().st_size
    assert 0.01 < np.abs(wave).max() <= 1


def test_the_package_runs_as_the_command():
    as_package = subprocess.run([sys.executable, "-m", "telucodec", "encode", "nowhere.wav", "a.tlc"], capture_output=True, text=True)
    assert (as_package.returncode, as_package.stderr) == (2, telucodec("encode", "nowhere.wav", "a.tlc").stderr)


def test_what_was_made_is_said_in_numbers_for_people_and_for_scripts(tmp_path):
    clip = next((SPEECH / "kerstin").glob("*.flac"))
    line = telucodec("encode", clip, tmp_path / "a.tlc", "--quality", "35", "--mode", "fidelity").stdout
    made = json.loads(telucodec("encode", clip, tmp_path / "b.tlc", "--quality", "35", "--mode", "fidelity", "--json").stdout)
    assert (tmp_path / "a.tlc").read_bytes() == (tmp_path / "b.tlc").read_bytes()
    assert f"{made['kbps']:.2f} kbps" in line
    assert made["kbps"] == pytest.approx(8 * made["bytes"] / made["duration_s"] / 1000)


def test_a_file_is_compared_with_samples_at_the_rate_of_its_codec(telugu, tmp_path):
    config = small_codec("spectral", "rvq-ema", telugu[:, :16_000]).config.model_copy(update={"sample_rate": 24_000})
    bundle_of(tmp_path, config.build().eval(), telugu[:, :16_000])
    soundfile.write(tmp_path / "a.flac", telugu[0, :32_000], 16_000)
    words = ["encode", tmp_path / "a.flac", tmp_path / "a.tlc", "--model", tmp_path / "bundle"]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert f"{2 * 48_000 / (tmp_path / 'a.tlc').stat().st_size:.1f} times smaller than 16-bit PCM" in done.output


def test_a_bitrate_is_missed_where_one_was_asked_for(tmp_path):
    soundfile.write(tmp_path / "short.wav", np.zeros(1600), 16_000)
    assert not telucodec("encode", "short.wav", "a.tlc", cwd=tmp_path).stderr
    assert "missed 6 kbps: too short" in telucodec("encode", "short.wav", "a.tlc", "--kbps", "6", cwd=tmp_path).stderr


def test_a_part_can_be_decoded(coded, tmp_path):
    assert telucodec("decode", coded, tmp_path / "part.flac", "--start", "2", "--duration", "1.5").returncode == 0
    assert soundfile.info(tmp_path / "part.flac").frames == 24_000


def every_verb():
    """Of the whole command line: its words and its command, those below another included."""
    group = get_command(app)
    for name in VERBS:
        verb = group.get_command(None, name)
        yield name, verb
        yield from ((f"{name} {below}", command) for below, command in getattr(verb, "commands", {}).items())


def test_every_verb_explains_itself_with_an_example():
    for words, command in every_verb():
        assert f"Example: telucodec {words}" in " ".join((command.help or "").split()), words


def test_the_overview_tells_every_verb_and_what_it_is_for():
    overview = telucodec("--help").stdout
    assert all(re.search(rf"^  {name} +{short}$", overview, re.MULTILINE) for name, short in VERBS.items())


def test_the_version_is_told():
    assert telucodec("--version").stdout == f"telucodec {__version__}\n"


def test_arguments_are_called_in_usage_and_errors_as_in_the_help():
    done = telucodec("encode")
    assert "SOURCE" in done.stderr.splitlines()[0] and "Missing argument 'SOURCE'" in done.stderr
    assert all(
        param.metavar == param.metavar.upper() for _, verb in every_verb() for param in verb.params if param.param_type_name == "argument"
    )


def bad_media(folder):
    """Media that cannot be used, by what is wrong with each."""
    rng = np.random.default_rng(0)
    noise = (0.1 * rng.standard_normal(16_000)).astype(np.float32)
    files = {}

    def place(name):
        files[name] = folder / name
        return files[name]

    place("0 బైట్లు.mp4").touch()
    place("text.mp4").write_text("this is no film\n" * 100)
    video = VIDEO.read_bytes()
    place("truncated.mp4").write_bytes(video[: len(video) // 2])
    with_nan = noise.copy()
    with_nan[5000] = np.nan
    soundfile.write(place("nan.wav"), with_nan, 16_000, subtype="FLOAT")
    soundfile.write(place("నిశ్శబ్దం silence.wav"), np.zeros(32_000, np.float32), 16_000)
    place("missing.wav")
    return files


@pytest.mark.parametrize("name", ["0 బైట్లు.mp4", "text.mp4", "truncated.mp4", "nan.wav", "missing.wav"])
def test_bad_media_is_one_clear_line_and_nothing_is_left_behind(tmp_path, name):
    source, target = bad_media(tmp_path)[name], tmp_path / "out" / "out.tlc"
    done = telucodec("encode", source, target)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("telucodec: ")
    assert name in line
    assert not list(target.parent.glob("*")) if target.parent.exists() else True


@pytest.mark.parametrize(
    "verb", ["extract loop --out out", "build loop --out out", "evaluate {clip} --model loop --out out.json", "report loop --out out.html"]
)
def test_a_link_to_itself_is_named(tmp_path, verb):
    (tmp_path / "loop").symlink_to("loop")
    clip = next((SPEECH / "kerstin").glob("*.flac"))
    done = telucodec(*(part.format(clip=clip) for part in verb.split()), cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("telucodec: loop: ")


def test_a_whole_file_takes_the_place_of_a_link_to_itself(tmp_path):
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    done = telucodec("live", next((SPEECH / "kerstin").glob("*.flac")), "--out", "loop.wav", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert soundfile.info(tmp_path / "loop.wav").frames


def test_names_of_any_bytes_are_accepted(tmp_path):
    clip = next((SPEECH / "kerstin").glob("*.flac"))
    source = os.fsdecode(os.fsencode(tmp_path) + b"/\xff not utf-8.flac")
    Path(source).write_bytes(clip.read_bytes())
    done = telucodec("encode", source, tmp_path / "out.tlc")
    assert done.returncode == 0, done.stderr
    Path(source).write_bytes(b"")
    assert telucodec("encode", source, tmp_path / "out.tlc").returncode == 2


def test_a_damaged_file_is_an_error_or_concealed(coded, tmp_path):
    damaged = tmp_path / "damaged.tlc"
    data = bytearray(coded.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    for verb in (["decode", damaged, tmp_path / "out.wav"], ["info", damaged]):
        done = telucodec(*verb)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert "damaged.tlc: packet" in line
    assert not (tmp_path / "out.wav").exists()
    done = telucodec("decode", damaged, tmp_path / "out.wav", "--conceal")
    assert done.returncode == 0
    assert "missing or damaged" in done.stderr
    assert soundfile.info(tmp_path / "out.wav").frames == json.loads(telucodec("info", coded, "--json").stdout)["samples"]


def test_the_rate_of_a_file_that_was_cut_is_not_known(coded, tmp_path):
    (tmp_path / "cut.tlc").write_bytes(coded.read_bytes()[:1000])
    done = telucodec("info", tmp_path / "cut.tlc", "--json")
    facts = json.loads(done.stdout)
    assert done.returncode == 2 and facts["packets_before_damage"] < facts["packets"]
    assert facts["bytes"] == 1000 and facts["kbps"] is None
    told = telucodec("info", tmp_path / "cut.tlc").stdout
    assert re.search(r"^bitrate, kbps +not measured$", told, re.MULTILINE) and re.search(r"^damage +packet \d", told, re.MULTILINE)
    told = telucodec("info", coded).stdout
    assert "\ndamage" not in told and re.search(r"^envelope power +0.3125$", told, re.MULTILINE)


def test_a_file_that_lost_its_last_bytes_is_not_called_whole(tmp_path):
    target = tmp_path / "long.tlc"
    assert telucodec("encode", VIDEO, target).returncode == 0
    target.write_bytes(target.read_bytes()[:-3])
    done = telucodec("info", target)
    assert done.returncode == 2
    assert "index at the end is damaged" in done.stderr
    assert telucodec("decode", target, tmp_path / "out.wav").returncode == 0


def test_a_part_of_no_length_is_told_so(coded, tmp_path):
    done = telucodec("decode", coded, tmp_path / "out.wav", "--duration", "0")
    assert done.returncode == 2 and "or a longer --duration" in done.stderr


def test_nothing_after_the_last_whole_packet_is_an_error_even_when_concealing(coded, tmp_path):
    cut = tmp_path / "cut.tlc"
    cut.write_bytes(coded.read_bytes()[:5000])
    done = telucodec("decode", cut, tmp_path / "out.wav", "--conceal", "--start", "12")
    assert done.returncode == 2
    assert not (tmp_path / "out.wav").exists()


def test_terms_that_are_no_numbers_are_refused_before_the_work(tmp_path):
    for verb in (
        ["build", tmp_path, "--price", "inf"],
        ["report", tmp_path, "--cost-limit", "inf"],
        ["report", tmp_path, "--minutes-limit", "1e308"],
    ):
        done = telucodec(*verb)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert verb[2] in done.stderr and "give a finite number" in done.stderr


@pytest.mark.parametrize(
    "option", [["--quality", "nan"], ["--quality", "1000"], ["--kbps", "nan"], ["--kbps", "0"], ["--kbps", "6", "--quality", "9"]]
)
def test_impossible_wishes_are_explained(tmp_path, option):
    done = telucodec("encode", VIDEO, tmp_path / "out.tlc", *option)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "verb", [("encode", "clip.tlc", "link.tlc"), ("decode", "clip.flac", "link.flac"), ("live", "clip.flac", "--out", "link.flac")]
)
def test_nothing_is_written_onto_what_it_is_made_of(coded, tmp_path, verb):
    made_of = coded if verb[0] == "decode" else next((SPEECH / "kerstin").glob("*.flac"))
    (tmp_path / verb[1]).write_bytes(made_of.read_bytes())
    (tmp_path / verb[-1]).symlink_to(verb[1])
    for target in (verb[1], verb[-1]):
        done = telucodec(*verb[:-1], target, cwd=tmp_path)
        assert done.returncode == 2 and "give another name" in done.stderr
        assert (tmp_path / verb[1]).read_bytes() == made_of.read_bytes()


def test_a_tlc_file_takes_no_name_of_a_recording(tmp_path):
    (tmp_path / "talk.wav").write_text("mine")
    done = telucodec("encode", next((SPEECH / "kerstin").glob("*.flac")), tmp_path / "talk.wav")
    assert done.returncode == 2 and "ends in .tlc" in done.stderr
    assert (tmp_path / "talk.wav").read_text() == "mine"


def test_what_is_no_tlc_file_is_told_so(tmp_path):
    clip = next((SPEECH / "kerstin").glob("*.flac"))
    for verb in (["decode", clip, tmp_path / "out.wav"], ["info", clip]):
        done = telucodec(*verb)
        assert done.returncode == 2
        assert "not a .tlc file" in done.stderr


def test_a_wrong_model_is_told_so(coded, tmp_path):
    (tmp_path / "transform.safetensors").write_bytes(b"no model")
    done = telucodec("decode", coded, tmp_path / "out.wav", "--model", tmp_path)
    assert done.returncode == 2
    assert "not a telucodec transform model" in done.stderr
    done = telucodec("decode", coded, tmp_path / "out.wav", "--model", tmp_path / "nowhere")
    assert done.returncode == 2
    assert "no model there" in done.stderr


def test_a_full_disk_is_told_so_and_leaves_nothing(coded, tmp_path):
    import resource

    def no_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = telucodec("decode", coded, tmp_path / "out.wav", preexec_fn=no_room)
    assert done.returncode == 2, done.stderr
    assert "out.wav" in done.stderr.splitlines()[-1]
    assert not list(tmp_path.glob("*out*"))


def test_a_reader_that_has_heard_enough_is_no_error(coded, tmp_path):
    command = [sys.executable, "-c", "from telucodec.cli.main import main; main()", "decode", coded, tmp_path / "out.wav"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    assert (process.stderr.read(), process.wait()) == ("", 0)
    process.stderr.close()
    assert (tmp_path / "out.wav").exists()


def test_lines_that_cannot_be_written_are_told_so_in_one(coded, tmp_path):
    import resource

    def no_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    command = [sys.executable, "-c", "from telucodec.cli.main import main; main()", "info", coded]
    with open(tmp_path / "lines", "w") as lines:
        done = subprocess.run(command, stdout=lines, stderr=subprocess.PIPE, text=True, preexec_fn=no_room)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("telucodec: standard output cannot be written")


def test_a_folder_is_evaluated_and_its_report_made(tmp_path):
    (tmp_path / "clips").mkdir()
    clip, _ = soundfile.read(min((SPEECH / "test" / "cv-telugu").glob("*.flac"), key=lambda path: path.stat().st_size), dtype="float32")
    soundfile.write(tmp_path / "clips" / "తెలుగు.wav", clip, 16_000)
    soundfile.write(tmp_path / "clips" / "short.wav", clip[:3200], 16_000)
    results = tmp_path / "results.json"
    options = ["--rates", "6.3", "--baselines", "opus@8", "--out", results]
    done = telucodec("evaluate", tmp_path / "clips", *options, "--metrics", "pesq, snr_db", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert {name for row in rows for name in row} & set(METRICS) == {"snr_db", "pesq"}
    numbers = {row["name"]: row for row in rows}
    assert set(numbers) == {"telucodec_natural_6.3", "telucodec_fidelity_6.3", "opus_8"}
    assert numbers["telucodec_fidelity_6.3"]["snr_db"] > numbers["opus_8"]["snr_db"]
    done = telucodec("report", results, "--out", tmp_path / "report.html")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "తెలుగు.wav" in page
    assert "1 of 2" in page  # PESQ has no value for a fifth of a second
    done = telucodec("evaluate", tmp_path / "clips", *options, "--metrics", "loudness")
    assert done.returncode == 2 and "'loudness' is not a metric" in done.stderr


def test_an_evaluation_from_which_nothing_came_back_says_why_and_is_no_success(tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "bad.wav").write_text("junk")
    options = ["--rates", "", "--baselines", "opus@24", "--metrics", "snr_db", "--out", tmp_path / "results.json"]
    done = telucodec("evaluate", tmp_path / "clips", *options)
    assert done.returncode == 1 and "no clip came back" in done.stderr
    assert "1 clip failed: the clip cannot be read" in done.stdout and "bad.wav" in done.stdout
    done = telucodec("evaluate", tmp_path / "clips", *options, "--json")
    (row,) = json.loads(done.stdout)
    assert done.returncode == 1 and any("bad.wav" in reason for reason in row["holes"]["snr_db"])


def test_an_evaluation_is_not_written_over_its_manifest(tmp_path):
    (tmp_path / "test.json").write_text("path,start_s,duration_s,recording,speaker,rms,peak,clipped_share\n")
    before = (tmp_path / "test.json").read_bytes()
    done = telucodec("evaluate", tmp_path / "test.json", "--out", tmp_path / "test.json")
    assert done.returncode == 2 and "is what it would be made of" in done.stderr
    assert (tmp_path / "test.json").read_bytes() == before


def test_an_evaluation_of_nothing_is_told_so(tmp_path):
    done = telucodec("evaluate", tmp_path)
    assert done.returncode == 2
    assert "holds no speech to evaluate" in done.stderr
    done = telucodec("evaluate", SPEECH, "--rates", "", "--baselines", "")
    assert done.returncode == 2 and "nothing to measure" in done.stderr
    (tmp_path / "folder.json").mkdir()
    done = telucodec("evaluate", SPEECH, "--baselines", "", "--out", tmp_path / "folder.json")
    assert done.returncode == 2 and "is a folder; name a file" in done.stderr


def test_results_take_no_name_of_a_sound_that_was_heard(tmp_path):
    soundfile.write(tmp_path / "a.flac", np.zeros(16_000), 16_000)
    before = (tmp_path / "a.flac").read_bytes()
    options = ["--rates", "", "--baselines", "opus@24", "--metrics", "snr_db"]
    done = telucodec("evaluate", tmp_path, *options, "--out", tmp_path / "a.flac")
    assert done.returncode == 2 and "ends in .json" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.flac"] and (tmp_path / "a.flac").read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", "results.json", "--out", "m.json"),
        ("doctor", "c.flac", "--html", "m.json"),
        ("listening-test", "make", "results.json", "--out", "m.json"),
        ("listening-test", "analyse", "a.json", "--plot", "m.json"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_page_or_picture_takes_no_name_of_something_else(tmp_path, arguments):
    (tmp_path / "m.json").write_text("mine")
    done = telucodec(*[tmp_path / part if "." in part else part for part in arguments])
    assert done.returncode == 2 and "ends in" in done.stderr
    assert (tmp_path / "m.json").read_text() == "mine"


def test_ctrl_c_before_anything_began_prints_nothing(tmp_path):
    (tmp_path / "typer.py").write_text("import signal; signal.raise_signal(signal.SIGINT)")
    done = subprocess.run(
        [sys.executable, "-m", "telucodec", "--help"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{SPEECH.parents[1] / 'src'}"},
        capture_output=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_is_stopped_leaves_nothing_half_written(tmp_path, number):
    soundfile.write(tmp_path / "long.wav", np.random.uniform(-0.1, 0.1, 120 * 16_000), 16_000)
    command = [sys.executable, "-c", "from telucodec.cli.main import main; main()", "encode", "long.wav", "out/long.tlc"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    while process.poll() is None and not list(tmp_path.rglob(".*.part-*")):
        time.sleep(0.01)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    (line,) = errors.splitlines()
    assert line.startswith("telucodec: stopped")
    assert not list((tmp_path / "out").iterdir())
