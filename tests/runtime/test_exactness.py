"""Encode here, decode anywhere: threads, processes and the library behind the matrix products must not matter."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from telucodec.audio.media import read_media
from telucodec.runtime.transform import TransformCodec, load_codec

GOLDEN = Path(__file__).parents[1] / "golden"

ELSEWHERE = """
import hashlib, sys
import numpy as np
from telucodec.runtime.transform import load_codec
codec, wave = load_codec(), np.load(sys.argv[1])
for mode in ("natural", "fidelity"):
    data = codec.encode(wave, quality=38, mode=mode)
    sound = np.round(codec.decode(data) * 32768).astype(np.int64)
    open(f"{sys.argv[2]}-{mode}.tlc", "wb").write(data)
    np.save(f"{sys.argv[2]}-{mode}.npy", sound)
"""


def with_torch(layers, features):
    """The integer network by PyTorch, in another memory layout."""

    def tensor(array):
        return torch.from_numpy(np.ascontiguousarray(array))

    hidden = torch.einsum("bni,ih->bnh", tensor(features), tensor(layers.first)) + tensor(layers.bias[: features.shape[1]])
    hidden = torch.floor(hidden / 64).clamp(0, 127)
    hidden = torch.floor((hidden @ tensor(layers.second) + tensor(layers.second_bias)) / 64).clamp(0, 127)
    return (hidden @ tensor(layers.last) + tensor(layers.last_bias)).numpy()


@pytest.mark.parametrize("mode", ["natural", "fidelity"])
def test_numpy_and_torch_write_and_read_the_same_symbols(codec, telugu, mode):
    other = TransformCodec(codec.model, with_torch)
    data = codec.encode(telugu, quality=38, mode=mode)
    assert other.encode(telugu, quality=38, mode=mode) == data
    np.testing.assert_array_equal(other.decode(data), codec.decode(data))


def test_processes_with_one_and_two_threads_agree(telugu, tmp_path):
    np.save(tmp_path / "wave.npy", telugu)
    for threads in ("1", "2"):
        environment = os.environ | {name: threads for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        subprocess.run([sys.executable, "-c", ELSEWHERE, tmp_path / "wave.npy", tmp_path / threads], env=environment, check=True)
    for mode in ("natural", "fidelity"):
        assert (tmp_path / f"1-{mode}.tlc").read_bytes() == (tmp_path / f"2-{mode}.tlc").read_bytes()
        difference = np.load(tmp_path / f"1-{mode}.npy") - np.load(tmp_path / f"2-{mode}.npy")
        assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("source", sorted(GOLDEN.glob("*.tlc")), ids=lambda path: path.stem)
def test_golden_files_decode_as_on_the_day_they_were_made(source):
    codec = load_codec(GOLDEN)
    expected = read_media(source.with_suffix(".flac"))
    decoded = np.clip(codec.decode(source.read_bytes()), -1, 32767 / 32768)
    assert decoded.shape == expected.shape
    assert np.abs(np.round(decoded * 32768) - np.round(expected * 32768)).max() <= 1


def test_golden_files_belong_to_the_golden_model():
    identities = {source.read_bytes()[4:8] for source in GOLDEN.glob("*.tlc")}
    assert (
        identities == {hashlib.sha256((GOLDEN / "transform.safetensors").read_bytes()).digest()[:4]} == {load_codec(GOLDEN).model.identity}
    )
