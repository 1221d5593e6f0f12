"""Models under test by the words for them, among them those that PyTorch runs: their codes, what is counted, and their names."""

import math
import pickle
import sys

import numpy as np
import pytest
from small_codecs import small_codec, small_encodec

from telucodec.errors import ModelError
from telucodec.evaluation import unpacked as room
from telucodec.evaluation.clips import Clip
from telucodec.evaluation.compare import compare
from telucodec.evaluation.under_test import called, under_test
from telucodec.metrics import METRICS
from telucodec.models import trained
from telucodec.models.encodec_import import import_encodec
from telucodec.models.store import save_codec

pytest.importorskip("transformers")

FRAME_RATE, CODE_BITS = 75, 4
"""Of the small EnCodec."""


@pytest.fixture(scope="module")
def came(tmp_path_factory):
    """The word for an EnCodec as it came."""
    folder = tmp_path_factory.mktemp("encodec")
    small_encodec(folder)
    return f"encodec:{folder}"


@pytest.fixture(scope="module")
def run(came, tmp_path_factory):
    """The folder of a run that began with it, and has not moved from there."""
    folder = tmp_path_factory.mktemp("run")
    save_codec(import_encodec(came.removeprefix("encodec:")), folder / "model")
    return str(folder)


def test_the_word_for_encodec_is_that_of_training():
    assert room.ENCODEC == trained.ENCODEC


def test_codes_of_every_codebook_that_the_rate_allows_are_counted_at_a_fixed_length(came, telugu):
    contenders = under_test([came], [0.1, 0.6, 2.3, 9])
    assert [contender.name for contender in contenders] == [f"encodec_codes_{kbps}" for kbps in ("0.3", "0.6", "2.1", "2.4")]
    wave = telugu[:, :20_001]
    frames = math.ceil(1.5 * wave.shape[-1] / 320)
    for contender, count in zip(contenders, (1, 2, 7, 8), strict=True):
        assert contender.num_bytes(contender.encode(wave)) == math.ceil(frames * count * CODE_BITS / 8)
        assert "4 bits each" in contender.note and "24 kHz" in contender.note


def test_a_run_that_did_not_move_sounds_as_what_it_began_from(came, run, telugu):
    wave = telugu[:, :20_001]
    (before,), (after,) = under_test([came], [1]), under_test([run], [1])
    heard = [contender.decode(pickle.loads(pickle.dumps(contender)).encode(wave)) for contender in (before, after)]
    np.testing.assert_array_equal(*heard)
    assert heard[0].shape == wave.shape and np.abs(heard[0]).max() > 0
    assert len(before.model) == len(after.model) == 64 and before.model != after.model


def test_before_after_and_ours_are_compared_on_the_same_clips(came, run, telugu):
    contenders = under_test([run, came, "shipped"], [1.3])
    clip = Clip("one", lambda: telugu[:, 8_000:24_000])
    trials, _ = compare([clip], contenders, [METRICS["si_sdr_db"]])
    assert len(trials) == len({trial.contender for trial in trials}) == 4  # ours in two modes
    assert not any(trial.failure for trial in trials) and all(trial.values["si_sdr_db"] is not None for trial in trials)
    assert trials[0].kbps == pytest.approx(FRAME_RATE * 4 * CODE_BITS / 1000, rel=0.02)


def test_names_tell_models_apart(run, came):
    assert [contender.name for contender in under_test([], [6])] == ["telucodec_natural_6", "telucodec_fidelity_6"]
    assert called("runs/mine/bundle") == called("runs/mine/model") == called("runs/mine") == "mine"
    assert len({contender.name for contender in under_test([came, came, run], [1])}) == 3
    assert under_test([], []) == []


def test_a_run_that_can_be_packed_is_sent_to_be_packed(tmp_path, telugu):
    save_codec(small_codec("spectral", "rvq-ema", telugu), tmp_path / "model")
    with pytest.raises(ModelError, match="telucodec optimize"):
        under_test([str(tmp_path)], [1])


def test_a_plain_installation_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "telucodec.models.trained", None)
    with pytest.raises(ModelError, match=r"run by PyTorch.*train,encodec"):
        under_test(["encodec:nowhere"], [1])
