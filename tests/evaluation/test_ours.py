"""Our codec as a contender: the mode and rate that are asked for, and the identity of its model."""

import numpy as np

from telucodec.evaluation import ours as room
from telucodec.evaluation.clips import Clip
from telucodec.evaluation.compare import compare
from telucodec.metrics import METRICS


class FakeCodec:
    digest = "of its weights"

    def encode(self, wave, kbps, mode):
        assert (kbps, mode) == (6.4, "fidelity")
        return np.rint(wave * 32767).astype(np.int16).tobytes()

    def decode(self, data):
        return np.frombuffer(data, np.int16).astype(np.float32)[None] / 32767


def test_whole_files_of_the_asked_rate_and_mode_are_counted(monkeypatch):
    monkeypatch.setattr(room, "_codec", lambda folder: FakeCodec())
    contender = room.ours(None, 6.4, "fidelity")
    assert contender.name == "telucodec_fidelity_6.4"
    assert contender.model == "of its weights"
    wave = np.random.default_rng(0).normal(0, 0.1, (1, 16_000)).astype(np.float32)
    (trial,), _ = compare([Clip("a", lambda: wave)], [contender], [METRICS["snr_db"]])
    assert trial.num_bytes == 32_000 and trial.values["snr_db"] > 40
