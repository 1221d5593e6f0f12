"""Live packets have networks of their own, where a model has such."""

import shutil

import pytest

from telucodec.audio.mdct import whole_mdct
from telucodec.errors import ModelError
from telucodec.runtime.codec import load_codec
from telucodec.runtime.model import FILE_NAME, HOP, SHIPPED
from telucodec.runtime.start import starts
from telucodec.stream import load_live_codec
from telucodec.stream.codec import FILE_NAME as LIVE_FILE_NAME
from telucodec.stream.encoder import chosen
from telucodec.stream.packet import POWER_OF_MODE, live_identity


def bits_of(codec, wave, frames):
    """Of packets of `wave` [1, T] at one step, in bits."""
    power, bits = POWER_OF_MODE["natural"], 0.0
    for packet in whole_mdct(wave[0], HOP)[50:200].reshape(-1, frames, HOP):
        told, start = chosen(packet, None, 0.02, power, codec.coder, codec.model)
        bits += codec.coder.ideal_bits(told, HOP, power, starts()[start])
    return bits


@pytest.mark.parametrize(("frames", "share"), [(1, 0.95), (2, 0.98), (3, 1.01)])
def test_packets_take_fewer_bits_than_with_the_model_of_files(codec, telugu, frames, share):
    """The fewer frames a packet has, the more so; of three, as many: there the tables for what escapes, which those of files alone have, make up for it."""
    assert bits_of(codec, telugu, frames) < share * bits_of(load_codec(), telugu, frames)


@pytest.mark.parametrize("name", [FILE_NAME, LIVE_FILE_NAME])
def test_a_file_that_is_no_model_is_named(tmp_path, name):
    shutil.copy(SHIPPED, tmp_path / FILE_NAME)
    (tmp_path / name).write_bytes(b"no model")
    with pytest.raises(ModelError, match=name):
        load_live_codec(tmp_path)


def test_a_model_without_them_sends_as_it_codes_files(tmp_path):
    shutil.copy(SHIPPED, tmp_path / FILE_NAME)
    assert load_live_codec(tmp_path).model.identity == load_codec().model.identity
    assert load_live_codec(SHIPPED).model.identity == load_codec().model.identity
    assert live_identity(load_live_codec().model) != live_identity(load_codec().model)
