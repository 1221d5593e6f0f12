"""Our codec as a contender: the mode and rate that are asked for, and the identity of its model."""

import numpy as np

from telucodec.bitstream.container import Header, Packet
from telucodec.evaluation import ours as room
from telucodec.evaluation.clips import Clip
from telucodec.evaluation.compare import compare
from telucodec.metrics import METRICS

PAYLOAD = 32_000


class FakeCodec:
    hop, delay = 320, 1

    def digest_of(self, mode):
        return f"of its weights in {mode} mode"

    def encode(self, wave, kbps, mode):
        assert (kbps, mode) == (6.4, "fidelity")
        header = Header(b"fake", 16_000, power=0, packet_frames=4096, num_samples=wave.shape[-1])
        return header.to_bytes() + Packet(0, 0, 0, np.rint(wave * 32767).astype(np.int16).tobytes()).to_bytes()

    def decode(self, data):
        return np.frombuffer(data[-PAYLOAD:], np.int16).astype(np.float32)[None] / 32767


def test_whole_files_of_the_asked_rate_and_mode_are_counted(monkeypatch):
    monkeypatch.setattr(room, "_codec", lambda folder: FakeCodec())
    contender = room.ours(None, 6.4, "fidelity")
    assert contender.name == "telucodec_fidelity_6.4"
    assert contender.model == "of its weights in fidelity mode"
    wave = np.random.default_rng(0).normal(0, 0.1, (1, 16_000)).astype(np.float32)
    (trial,), _ = compare([Clip("a", lambda: wave)], [contender], [METRICS["snr_db"]])
    assert trial.num_bytes == len(contender.encode(wave)) > PAYLOAD == trial.num_payload_bytes and trial.values["snr_db"] > 40
