"""A folder that holds a codec, but not where or not as it can be run, is answered with what to pass or to do instead."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from telucodec.errors import ModelError
from telucodec.models.store import FILE_NAME
from telucodec.runtime.codec import load_codec
from telucodec.runtime.unpacked import TRAINED, packable


def trained(folder, kind="spectral"):
    folder.mkdir(parents=True)
    save_file({"a": np.zeros(1, np.float32)}, folder / TRAINED, {"config": json.dumps({"body": {"kind": kind}})})
    return folder


def instead_of(folder):
    with pytest.raises(ModelError) as told:
        load_codec(folder)
    return str(told.value)


def test_a_trained_codec_is_looked_for_under_the_name_it_is_written_under():
    assert TRAINED == FILE_NAME


def test_a_run_that_is_not_packed_names_the_verb_that_packs_it(tmp_path):
    run = tmp_path / "my run"
    trained(run / "model")
    for folder in (run, run / "model"):
        assert f"telucodec optimize '{folder}'" in instead_of(folder) and f"pass {folder / 'bundle'}" in instead_of(folder)


def test_a_run_whose_bundle_lies_beside_names_the_bundle(tmp_path):
    trained(tmp_path / "model")
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "bundle.json").write_text("{}")
    for folder in (tmp_path, tmp_path / "model"):
        assert instead_of(folder).endswith(f"pass {tmp_path / 'bundle'}")


def test_the_folder_of_a_build_names_the_model_in_it(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "transform.safetensors").write_bytes(b"")
    assert instead_of(tmp_path).endswith(f"pass {tmp_path / 'model'}")


def test_what_began_as_encodec_is_not_sent_to_be_packed(tmp_path):
    folder = trained(tmp_path / "model", "encodec")
    assert "optimize" not in instead_of(folder) and f"telucodec evaluate --model {folder}" in instead_of(folder)


def test_what_is_no_codec_is_left_to_who_opens_it(tmp_path):
    (tmp_path / TRAINED).write_bytes(b"no tensors")
    assert packable(tmp_path / TRAINED) and packable(tmp_path / "nowhere")
    assert "no model there" in instead_of(tmp_path / "nowhere")
