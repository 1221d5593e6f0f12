"""The setup, run again, repairs what an earlier run left."""

import importlib.util
import json
import venv
from pathlib import Path
from subprocess import CompletedProcess

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def script(tmp_path, monkeypatch):
    """scripts/install.py, at work in a folder of its own."""
    spec = importlib.util.spec_from_file_location("install", ROOT / "scripts" / "install.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "PYTHON", tmp_path / script.PYTHON.relative_to(ROOT))
    monkeypatch.setattr(script, "ROOT", tmp_path)
    return script


@pytest.mark.parametrize(("reached", "asked"), [(True, ["cpu"]), (False, ["cpu", "any"])])
def test_torch_comes_with_cuda_where_its_other_build_cannot_be_had(script, monkeypatch, capsys, reached, asked):
    found = []

    def pip(*arguments, capture=False):
        if "--dry-run" in arguments:
            return CompletedProcess((), 0, json.dumps({"install": [{"metadata": {"name": "nvidia-cublas"}}]}))
        found.append("cpu" if script.CPU_INDEX in arguments else "any")
        return CompletedProcess((), int(found[-1] == "cpu" and not reached))

    monkeypatch.setattr(script, "pip", pip)
    monkeypatch.setattr(script, "has_gpu", lambda: False)
    script.install_torch()
    assert found == asked and ("several gigabytes" in capsys.readouterr().out) == (not reached)


def test_a_setup_that_stopped_before_pip_was_there_goes_on(script, tmp_path):
    pytest.importorskip("ensurepip")
    venv.create(tmp_path / ".venv", with_pip=False)
    (tmp_path / ".venv" / "kept").touch()
    script.make_venv()
    assert script.pip("--version", capture=True).returncode == 0
    assert (tmp_path / ".venv" / "kept").exists()
