"""The newcomer's page shows what its commands print."""

import importlib.util
from pathlib import Path

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
