"""Encoders take float32 [1, T] and say so; anything else is not encoded to something else."""

import re

import numpy as np
import pytest
from small_codecs import made, small_codec

from telucodec.errors import TelucodecError
from telucodec.runtime.codec import load_codec
from telucodec.runtime.wave import checked
from telucodec.stream import Encoder, load_live_codec


@pytest.fixture(scope="module")
def encoders(codec, telugu, tmp_path_factory):
    """What each kind of codec makes of a wave."""
    folder = tmp_path_factory.mktemp("codes")
    made(folder, small_codec("spectral", "fsq", telugu[:, :32_000]), telugu[:, :16_000])
    return codec.encode, load_codec(folder / "bundle").encode, Encoder(load_live_codec()).push


OTHERS = {
    "[T]": lambda wave: wave[0],
    "[T, 1]": lambda wave: wave.T,
    "[T, 2]": lambda wave: np.concatenate([wave, wave]).T,
    "[2, T]": lambda wave: np.concatenate([wave, wave]),
    "[1, 1, T]": lambda wave: wave[None],
    "integers": lambda wave: (50 * wave).astype(np.int16),
    "logical": lambda wave: wave > 0,
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_shapes_and_types_are_refused_by_every_encoder(encoders, telugu, name):
    wave = OTHERS[name](telugu[:, :3200])
    for encode in encoders:
        with pytest.raises(
            ValueError, match=re.escape(f"float32 [1, T], one channel with full scale at 1; this is {wave.dtype} {list(wave.shape)}")
        ):
            encode(wave)


def test_what_cannot_be_sound_is_refused_by_every_encoder(encoders, telugu):
    for encode in encoders:
        with pytest.raises(ValueError, match="not finite"):
            encode(np.where(np.arange(3200) == 5, np.nan, telugu[:, :3200]))
        with pytest.raises(TelucodecError, match="reaches 1e[+]30, far beyond full scale"):
            encode(np.full((1, 3200), 1e30))


def test_doubles_are_the_same_sound(encoders, telugu):
    doubles = telugu[:, :3200].astype(np.float64)
    for encode in encoders[:2]:
        assert encode(doubles) == encode(telugu[:, :3200])
    assert checked(doubles).dtype == np.float32
    assert checked(telugu) is telugu
