"""A toy recogniser, trained once for all tests here."""

from pathlib import Path

import pytest

pytest.importorskip("jiwer")

import toy

from telucodec.data.manifest import read_manifest
from telucodec.recognizer.optimize import optimize


@pytest.fixture(scope="session")
def toy_data(tmp_path_factory) -> Path:
    return toy.make(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def toy_run(toy_data):
    """Folder of a run and what it came to."""
    return toy.quietly(toy.request_of(toy_data, gates=True))


@pytest.fixture(scope="session")
def bundle(toy_run, toy_data):
    """Folder of a bundle with a language model."""
    folder, _ = toy_run
    out = toy_data / "bundle"
    check = optimize(folder, out, toy_data / "val.csv", prompts=[row.text for row in read_manifest(toy_data / "train.csv")], order=2)
    assert check.same_texts == 1 and check.largest_difference < 1e-3 and check.lm_perplexity < 8
    return out
