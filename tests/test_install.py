"""The setup, run again, repairs what an earlier run left."""

import importlib.util
import venv
from pathlib import Path

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


def test_a_setup_that_stopped_before_pip_was_there_goes_on(script, tmp_path):
    pytest.importorskip("ensurepip")
    venv.create(tmp_path / ".venv", with_pip=False)
    (tmp_path / ".venv" / "kept").touch()
    script.make_venv()
    assert script.pip("--version", capture=True).returncode == 0
    assert (tmp_path / ".venv" / "kept").exists()
