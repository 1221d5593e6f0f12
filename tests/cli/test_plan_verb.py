"""What `telucodec plan` prints of a plan, and that it runs on real speech."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import soundfile
from typer.testing import CliRunner

from telucodec.cli.main import app
from telucodec.cli.plan import lines
from telucodec.data.manifest import Segment, write_manifest
from telucodec.errors import ConfigError
from telucodec.metrics.rate_distortion import Target
from telucodec.models.store import save_codec
from telucodec.training.plan import Column, Plan, Probe, verdict_on
from telucodec.training.recipe import preset_of

COLUMNS = (
    Column("POC", "half an hour", 1_400, 5.6, 1.46, 1800, 0.25, "too small: 1,400 updates"),
    Column("MVP", "a night", 22_400, 89.6, 23.4, 28_800, 4.0, ""),
)
KNOWN = (Column("DAC", "72 crops", 400_000, 3_040, 795, 980_000, 136.1, ""),)
PROBE = Probe(1.25, 1.25, 0, 1.25, 0, 9.0, 40)
TARGET = Target(4.0, 35.0, (17.5, 20.4), (16.0, 20.0), "out of reach by an optimistic estimate")


def test_a_table_a_line_for_each_choice_and_a_summary():
    told = lines(Plan(PROBE, 14.4, 3.82, COLUMNS, KNOWN, TARGET))
    assert told[0].split() == ["POC", "MVP", "DAC"]
    assert told[1].split() == ["updates", "1,400", "22,400", "400,000"]
    assert told[3].split() == ["passes", "over", "your", "data", "1.46", "23.4", "-"]  # DAC heard other data
    assert told[4].split() == ["time", "here", "30", "min", "8", "h", "11.3", "days"]
    assert told[5].split() == ["cost", "0.25", "4.00", "136.10"]
    assert "POC: half an hour; too small: 1,400 updates" in told
    assert any(
        "35 dB at 4 kbps: out of reach by an optimistic estimate" in line and "4 kbps give 18 to 20 dB" in line and "16 to 20 kbps" in line
        for line in told
    )
    assert told[-1] == "40 updates timed, 1.25 s each; 12 s of sound a second; 3.82 h of data; too small: POC"


def test_each_stage_of_discriminators_is_told_with_its_pace():
    probe = Probe(0.5, 1.25, 2_500, 2.0, 3_000, 9.0, 40)
    (*_, last) = lines(Plan(probe, 14.4, 3.82, COLUMNS, KNOWN, None))
    learn, join = "1.25 s once discriminators learn after 2,500", "2 s once discriminators join after 3,000"
    assert last.startswith(f"40 updates timed, 0.5 s each, {learn}, {join}; 7 s of sound a second")
    (*_, last) = lines(Plan(replace(probe, lead_from=3_000), 14.4, 3.82, COLUMNS, KNOWN, None))
    assert last.startswith(f"40 updates timed, 0.5 s each, {join}; ")


def test_data_that_is_too_little_for_a_length_is_told_last():
    weekend = replace(COLUMNS[1], name="production", verdict=verdict_on(300_000, passes=30_100))
    told = lines(Plan(PROBE, 14.4, 0.16, (COLUMNS[1], weekend), KNOWN, None))
    assert any(line.startswith("production: ") and "30,100 times, and more recordings will do more" in line for line in told)
    assert told[-1].endswith("too little data: production")


def test_little_data_is_told_in_seconds():
    columns = (*COLUMNS, Column("production", "a weekend", 200_000, 800, 180_000, 260_000, 36.0, "too little data: 180,000 passes"))
    told = lines(Plan(PROBE, 14.4, 16 / 3600, columns, KNOWN, None))
    assert told[-1].endswith("; 16 s of data; too small: POC; too little data: production")


def test_without_data_one_line_says_so(tmp_path):
    command = [sys.executable, "-c", "from telucodec.cli.main import main; main()", "plan", "--data", str(tmp_path), "--precision", "bf16"]
    done = subprocess.run(command, capture_output=True, text=True)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and "no such manifest" in line


def test_lengths_that_were_asked_for_are_planned_on_real_speech(telugu, tmp_path):
    soundfile.write(tmp_path / "one.flac", telugu[0, :32_000], 16_000)
    for part in ("train", "val"):
        write_manifest(tmp_path / f"{part}.csv", [Segment("one.flac", 0.0, 2.0, "one.flac", "", 0.1, 0.5, 0.0)])
    asked = [
        "plan",
        "--data",
        str(tmp_path),
        "--preset",
        "nano-spectral",
        "--batch_size",
        "1",
        "--updates",
        "1400",
        "--minutes-probe",
        "0.01",
    ]
    done = CliRunner().invoke(app, [*asked, "--precision", "32", "--kbps", "4", "--snr", "35", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [column["updates"] for column in found["columns"]] == [1400]
    assert found["columns"][0]["cost"] is None
    assert found["target"]["verdict"].startswith("out of reach")


def test_a_recipe_for_a_trained_codec_is_planned_with_the_codec_it_goes_on_from(tmp_path, monkeypatch):
    model, configs = preset_of("nano-spectral"), []
    save_codec(model.build(), tmp_path)

    def planned(config, *asked):
        configs.append(config)
        return Plan(PROBE, 14.4, 3.82, COLUMNS, KNOWN, None)

    monkeypatch.setattr("telucodec.training.plan.plan", planned)
    asked = ["plan", "--recipe", "finetune", "--batch_size", "3"]
    refused = CliRunner().invoke(app, asked)
    assert isinstance(refused.exception, ConfigError) and "give --from" in str(refused.exception)
    done = CliRunner().invoke(app, [*asked, "--from", str(tmp_path), "--json"])
    (config,) = configs
    assert (config.model, config.recipe.continues, config.recipe.batches.batch_size) == (model, True, 3)
    assert json.loads(done.stdout)["preset"] == str(tmp_path)


@pytest.mark.parametrize("option", ["--minutes", "--price", "--minutes-probe", "--kbps", "--snr"])
def test_what_is_not_finite_is_refused(option):
    done = CliRunner().invoke(app, ["plan", "--kbps", "4", "--snr", "35", option, "inf"])
    assert done.exit_code == 2 and option in done.output and "give a finite number" in done.output


@pytest.mark.parametrize("half", [["--kbps", "4"], ["--snr", "35"], ["--kbps", "4", "--snr", "nan"]])
def test_a_target_is_a_rate_and_an_snr(half):
    assert CliRunner().invoke(app, ["plan", *half]).exit_code == 2
