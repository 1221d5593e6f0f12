"""The floors: an import points down, wings on one floor do not know each other, and only rooms that train need torch."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from telucodec.cli.main import VERBS, module_of

SOURCE = Path(__file__).parents[1] / "src" / "telucodec"
FLOORS = [
    {"errors", "progress"},
    {"files", "config", "undisturbed", "counting"},
    {"audio", "bitstream"},
    {"data", "metrics", "runtime", "models", "losses"},
    {"stream"},
    {"training", "export"},
    {"recognizer"},
    {"evaluation"},
    {"apps"},
    {"cli"},
    {"__main__"},
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
TORCH_ROOMS = {"models", "losses", "training", "export"}
TORCH_FILES = {f"recognizer/{name}.py" for name in ("model", "recipe", "store", "gates", "train", "curve", "optimize")}
"""Of a room that trains and also listens, the files that train; no other file of it may import these."""
DECLARED = tomllib.loads((SOURCE.parents[1] / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
NEEDED = {re.match(r"[\w-]+", package)[0].replace("-", "_") for package in DECLARED} | {"markupsafe"}
"""What a plain installation brings, as imports call it; jinja2 promises markupsafe."""
TORCH = {"torch", "lightning", "lightning_fabric", "tensorboard"}


def room_of(path):
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path):
    """Dotted names that a file imports, at the top and within functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module


FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_imports_point_down(path):
    room = room_of(path)
    assert room in FLOOR_OF, f"{room} stands on no floor"
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "telucodec" and len(parts) > 1 and parts[1] != room:
            assert FLOOR_OF[parts[1]] < FLOOR_OF[room], f"{path}: {room} imports {name}, which is not below it"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_torch_is_imported_where_models_are_trained_alone(path):
    if room_of(path) not in TORCH_ROOMS and path.relative_to(SOURCE).as_posix() not in TORCH_FILES:
        assert not {name.split(".")[0] for name in imported(path)} & TORCH


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_a_plain_installation_brings_what_is_imported_at_the_top(path):
    if room_of(path) not in TORCH_ROOMS and path.relative_to(SOURCE).as_posix() not in TORCH_FILES:
        top = [node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {
            name for node in top for name in ([node.module] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
        }
        assert {name.split(".")[0] for name in names} <= NEEDED | sys.stdlib_module_names | {"telucodec"}


@pytest.mark.parametrize("path", [path for path in FILES if room_of(path) == "recognizer"], ids=lambda path: path.stem)
def test_what_listens_does_not_import_what_trains(path):
    if path.relative_to(SOURCE).as_posix() not in TORCH_FILES:
        trains = {f"telucodec.{name.removesuffix('.py').replace('/', '.')}" for name in TORCH_FILES}
        assert not set(imported(path)) & trains
        assert not {name.split(".")[1] for name in imported(path) if name.startswith("telucodec.")} & TORCH_ROOMS


def test_no_room_is_called_after_what_it_is_not():
    assert not {path.stem for path in FILES} & {"utils", "util", "helpers", "common", "misc"}


def test_torch_is_not_loaded_by_the_command_line_or_the_codec():
    verbs = ", ".join(f"telucodec.cli.{name}" for name in map(module_of, VERBS))
    code = f"import sys, {verbs}, telucodec.runtime.transform, telucodec.recognizer.transcribe; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_files_of_tests_have_names_of_their_own():
    names = [path.name for path in Path(__file__).parent.rglob("*.py") if path.name != "conftest.py"]
    assert sorted(names) == sorted(set(names))  # pytest imports them by name, and of two would take one for the other
