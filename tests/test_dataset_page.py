"""The newcomer's page shows what its commands print."""

import importlib.util
from pathlib import Path

from telucodec.data.doctor import DoctorConfig

ROOT = Path(__file__).parents[1]
COMMANDS = ["extract", "segment", "doctor", "filter", "manifest split", "manifest stats"]


def load_script():
    spec = importlib.util.spec_from_file_location("dataset_page", ROOT / "scripts" / "dataset_page.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def test_the_outputs_on_the_page_are_what_its_commands_print(tmp_path):
    page = (ROOT / "docs" / "dataset.md").read_text("utf-8")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    ran = [line for line in page.splitlines() if line.startswith("    $ telucodec ")]
    assert [line for line, verb in zip(ran, COMMANDS, strict=False) if line.startswith(f"    $ telucodec {verb} ")] == ran[: len(COMMANDS)]
    assert load_script().renewed(page, tmp_path) == page, "run scripts/dataset_page.py and look at what changed"
    assert (tmp_path / "data" / "manifests" / "train.csv").exists()


def test_the_doctors_thresholds_on_the_page_are_those_it_uses():
    page, doctor = (ROOT / "docs" / "dataset.md").read_text("utf-8"), DoctorConfig()
    meanings = dict(line.strip("| ").split(" | ")[:2] for line in page.splitlines() if line.startswith("| "))
    assert f"RMS of {doctor.min_rms:g} or less" in meanings["mostly silent"] and doctor.max_silent_share == 0.9
    assert f"peak of {doctor.min_peak:g} or less" in meanings["too quiet"]
    assert f"{doctor.min_clipped_runs} places, and at least {doctor.max_clipped_runs_per_min:g} a minute" in meanings["clipped"]
    assert "more than half" in meanings["music-like"] and doctor.max_sustained_share == 0.5
    assert f"less than {doctor.min_snr_db:g} dB above" in meanings["noisy"]
    assert f"above {doctor.min_bandwidth_hz / 1000:g} kHz" in meanings["band-limited"]
    assert f"more than {100 * doctor.max_padding_share:g} % padding" in meanings["too short"]
