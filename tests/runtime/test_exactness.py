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
from telucodec.runtime.codec import load_codec
from telucodec.runtime.context import Layers
from telucodec.runtime.transform import TransformCodec

GOLDEN = Path(__file__).parents[1] / "golden"

ELSEWHERE = """
import sys
import numpy as np
from telucodec.runtime.codec import load_codec
codec = load_codec()
wave = np.load(sys.argv[1] + "/wave.npy")
for mode in ("natural", "fidelity"):
    own = codec.encode(wave, quality=38, mode=mode)
    open(f"{sys.argv[2]}-{mode}.tlc", "wb").write(own)
    sound = codec.decode(open(f"{sys.argv[1]}/{mode}.tlc", "rb").read())
    np.save(f"{sys.argv[2]}-{mode}.npy", np.round(sound * 32768).astype(np.int64))
"""


def with_torch(layers, features, positions=None):
    """The integer network by PyTorch, in another memory layout."""

    def tensor(array):
        return torch.from_numpy(np.ascontiguousarray(array))

    bias = layers.bias[: features.shape[-1]] if positions is None else layers.bias[positions]
    hidden = torch.einsum("ibn,ih->bnh", tensor(features), tensor(layers.first)) + tensor(bias)
    hidden = torch.floor(hidden / 64).clamp(0, 127)
    hidden = torch.floor((hidden @ tensor(layers.second) + tensor(layers.second_bias)) / 64).clamp(0, 127)
    return (hidden @ tensor(layers.last) + tensor(layers.last_bias)).permute(2, 0, 1).numpy()


@pytest.mark.parametrize("mode", ["natural", "fidelity"])
def test_numpy_and_torch_write_and_read_the_same_symbols(codec, telugu, mode, monkeypatch):
    data = codec.encode(telugu, quality=38, mode=mode)
    decoded = codec.decode(data)
    monkeypatch.setattr(Layers, "__call__", with_torch)
    other = TransformCodec(codec.model, codec.syntheses)  # which has asked no network yet
    assert other.encode(telugu, quality=38, mode=mode) == data
    np.testing.assert_array_equal(other.decode(data), decoded)


def test_processes_with_one_and_two_threads_write_what_all_read_alike(codec, telugu, tmp_path):
    np.save(tmp_path / "wave.npy", telugu)
    for mode in ("natural", "fidelity"):
        (tmp_path / f"{mode}.tlc").write_bytes(codec.encode(telugu, quality=38, mode=mode))
    for threads in ("1", "2"):
        environment = os.environ | {name: threads for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        subprocess.run([sys.executable, "-c", ELSEWHERE, tmp_path, tmp_path / threads], env=environment, check=True)
    for mode in ("natural", "fidelity"):
        expected = np.round(codec.decode((tmp_path / f"{mode}.tlc").read_bytes()) * 32768)
        for threads in ("1", "2"):
            assert np.abs(np.load(tmp_path / f"{threads}-{mode}.npy") - expected).max() <= 1
            assert (tmp_path / f"{threads}-{mode}.tlc").read_bytes() == (tmp_path / f"{mode}.tlc").read_bytes()


@pytest.mark.parametrize("core", ["Nehalem", "Haswell"])
def test_a_processor_without_the_newer_instructions_reads_the_same(codec, telugu, tmp_path, core):
    """OpenBLAS is told to compute as on an older processor; the encoder's floats may differ there, what is decoded may not."""
    np.save(tmp_path / "wave.npy", telugu)
    for mode in ("natural", "fidelity"):
        (tmp_path / f"{mode}.tlc").write_bytes(codec.encode(telugu, quality=38, mode=mode))
    environment = os.environ | {"OPENBLAS_CORETYPE": core}
    subprocess.run([sys.executable, "-c", ELSEWHERE, tmp_path, tmp_path / core], env=environment, check=True)
    for mode in ("natural", "fidelity"):
        expected = np.round(codec.decode((tmp_path / f"{mode}.tlc").read_bytes()) * 32768)
        assert np.abs(np.load(tmp_path / f"{core}-{mode}.npy") - expected).max() <= 1
        codec.decode((tmp_path / f"{core}-{mode}.tlc").read_bytes())


@pytest.mark.parametrize("source", sorted(GOLDEN.rglob("*.tlc")), ids=lambda path: path.relative_to(GOLDEN).as_posix())
def test_golden_files_decode_as_on_the_day_they_were_made(source):
    codec = load_codec(source.parent)
    expected = read_media(source.with_suffix(".flac"))
    decoded = np.clip(codec.decode(source.read_bytes()), -1, 32767 / 32768)
    assert decoded.shape == expected.shape
    assert np.abs(np.round(decoded * 32768) - np.round(expected * 32768)).max() <= 1


@pytest.mark.parametrize(
    "folder", [GOLDEN, *map(GOLDEN.joinpath, ("signs", "turns", "unsent", "weighed", "tails"))], ids=lambda path: path.name
)
def test_golden_files_belong_to_the_golden_model(folder):
    identities = {source.read_bytes()[4:8] for source in folder.glob("*.tlc")}
    assert (
        identities == {hashlib.sha256((folder / "transform.safetensors").read_bytes()).digest()[:4]} == {load_codec(folder).model.identity}
    )
