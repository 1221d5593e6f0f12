"""A toy recogniser, trained once for all tests here."""

from pathlib import Path

import pytest

pytest.importorskip("jiwer")

import toy


@pytest.fixture(scope="session")
def toy_data(tmp_path_factory) -> Path:
    return toy.make(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def toy_run(toy_data):
    """Folder of a run and what it came to."""
    return toy.quietly(toy.request_of(toy_data, gates=True))
