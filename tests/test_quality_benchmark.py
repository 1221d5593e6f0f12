"""The benchmark measures again whatever its numbers depend on."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from telucodec.audio.sound_file import write_audio
from telucodec.evaluation.contender import Contender
from telucodec.evaluation.evaluate import evaluate
from telucodec.metrics import METRICS

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def quality(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    found = importlib.import_module("quality")
    monkeypatch.setattr(found, "SHELF", [METRICS["snr_db"]])
    yield found
    del sys.modules["quality"], sys.modules["speech"]


def first() -> str:
    return "libpeer 1.0"


def second() -> str:
    return "libpeer 2.0"


PEER = Contender("peer", "Peer", "peer", np.copy, np.copy, num_bytes=np.size, note="2 ms of delay taken out", library=first)


@pytest.mark.parametrize("change", [{}, {"library": second}, {"note": "3 ms of delay taken out"}, {"missing": "gone"}], ids=", ".join)
def test_a_peer_is_measured_again_once_what_does_its_work_or_what_is_taken_out_has_changed(quality, tmp_path, change):
    write_audio(tmp_path / "clips" / "a.flac", np.random.default_rng(0).normal(0, 0.1, (1, 8000)).astype(np.float32), 16_000)
    evaluate(tmp_path / "clips", [PEER], tmp_path / "results.json", "", quality.SHELF, num_samples=0)
    kept = quality._kept(tmp_path / "results.json", tmp_path / "clips", [replace(PEER, **change)])
    assert (kept is None) == bool(change)


@pytest.mark.parametrize("page", ["README.md", "docs/results.md", "src/telucodec/weights/README.md"])
def test_what_ships_is_what_the_tables_were_measured_with(page, codec):
    text = (BENCHMARKS.parent / page).read_text("utf-8")
    assert [mode for mode in codec.modes if codec.digest_of(mode)[:8] not in text] == []
