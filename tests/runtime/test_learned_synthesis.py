from functools import partial

import numpy as np
import pytest
import torch

from telucodec.bitstream.container import HEADER_BYTES
from telucodec.errors import ModelError
from telucodec.export.graphs import synthesis_graph
from telucodec.models.synthesis import SynthesisConfig
from telucodec.runtime.codec import load_codec
from telucodec.runtime.model import FILE_NAME as MODEL_NAME
from telucodec.runtime.model import SHIPPED, load_model
from telucodec.runtime.synthesis import FILE_NAME, INPUTS, OUTPUTS, Synthesis
from telucodec.runtime.transform import PACKET_FRAMES, TransformCodec


def graph(outputs=OUTPUTS, std=0.0):
    torch.manual_seed(0)
    net = SynthesisConfig(inputs=INPUTS, outputs=outputs, width=16, blocks=2).build().eval()
    torch.nn.init.normal_(net.links[-1].conv.weight, std=std)
    return synthesis_graph(net.requires_grad_(False))


@pytest.fixture(scope="module")
def untrained():
    return TransformCodec(load_model(), synthesis=Synthesis(graph, "untrained"))


@pytest.fixture(scope="module")
def trained():
    return TransformCodec(load_model(), synthesis=Synthesis(partial(graph, std=0.1), "random"))


@pytest.fixture(scope="module")
def plain():
    return TransformCodec(load_model())


@pytest.fixture(scope="module")
def long_speech(telugu):
    return np.tile(telugu, 3)


def test_an_untrained_network_changes_nothing(untrained, plain, telugu):
    data = plain.encode(telugu, kbps=6)
    assert np.abs(untrained.decode(data) - plain.decode(data)).max() < 1e-6


def test_the_bitstream_does_not_depend_on_it(trained, plain, telugu):
    assert trained.encode(telugu, kbps=6) == plain.encode(telugu, kbps=6)
    assert trained.digest != plain.digest


def test_what_it_makes_is_heard_in_natural_mode_alone(trained, plain, telugu):
    natural, fidelity = (plain.encode(telugu, kbps=6, mode=mode) for mode in ("natural", "fidelity"))
    assert np.abs(trained.decode(natural) - plain.decode(natural)).max() > 1e-3
    assert np.array_equal(trained.decode(fidelity), plain.decode(fidelity))


@pytest.mark.parametrize(("start_s", "duration_s"), [(0, 1), (5.01, 0.5), (9.98, 1.2), (11, None)])
def test_a_part_is_the_same_as_in_the_whole(trained, long_speech, start_s, duration_s):
    data = trained.encode(long_speech, kbps=6)
    start = round(16_000 * start_s)
    end = long_speech.shape[-1] if duration_s is None else start + round(16_000 * duration_s)
    part = np.concatenate(list(trained.decode_from(data, start_s=start_s, duration_s=duration_s)), axis=-1)
    assert np.array_equal(part, trained.decode(data)[:, start:end])


@pytest.mark.parametrize("num_samples", [0, 1, 320, 321, PACKET_FRAMES * 320, PACKET_FRAMES * 320 + 1])
def test_length_is_kept_to_the_sample(trained, long_speech, num_samples):
    wave = long_speech[:, :num_samples]
    assert trained.decode(trained.encode(wave, quality=40)).shape == wave.shape


def test_concealed_frames_stay_as_they_are(trained, untrained, long_speech):
    data = bytearray(trained.encode(long_speech, kbps=6))
    data[HEADER_BYTES + 300] ^= 0x55  # somewhere in the first packet
    sounds = [np.concatenate(list(codec.decode_from(bytes(data), concealed=[])), axis=-1) for codec in (trained, untrained)]
    hidden = slice(0, (PACKET_FRAMES - 2) * 320)
    assert np.abs(sounds[0] - sounds[1])[:, hidden].max() < 1e-6
    assert np.abs(sounds[0] - sounds[1]).max() > 1e-3


def test_loudness_does_not_matter_to_it(trained, telugu):
    loud, quiet = (trained.decode(trained.encode(gain * telugu, quality=40 - 6.0206 * octaves)) for gain, octaves in ((1, 0), (0.25, -2)))
    assert np.abs(loud - 4 * quiet).max() < 1e-3


def test_a_network_of_another_kind_is_named(telugu):
    codec = TransformCodec(load_model(), synthesis=Synthesis(partial(graph, outputs=3), "three.onnx"))
    with pytest.raises(ModelError, match="three.onnx"):
        codec.decode(codec.encode(telugu, kbps=6))


def test_a_file_that_is_no_network_is_named(telugu, tmp_path):
    (tmp_path / MODEL_NAME).write_bytes(SHIPPED.read_bytes())
    (tmp_path / FILE_NAME).write_bytes(b"no network")
    codec = load_codec(tmp_path)
    with pytest.raises(ModelError, match=FILE_NAME):
        codec.decode(codec.encode(telugu, kbps=6))


def test_a_model_without_it_decodes_plainly(plain, telugu, tmp_path):
    (tmp_path / MODEL_NAME).write_bytes(SHIPPED.read_bytes())
    codec = load_codec(tmp_path)
    data = codec.encode(telugu, kbps=6)
    assert np.array_equal(codec.decode(data), plain.decode(data))
