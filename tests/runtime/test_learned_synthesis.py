from functools import partial

import numpy as np
import pytest
import torch

from telucodec.bitstream.container import HEADER_BYTES
from telucodec.errors import ModelError
from telucodec.export.graphs import synthesis_graph
from telucodec.models.refinement import RefinementConfig
from telucodec.models.synthesis import SynthesisConfig
from telucodec.runtime.codec import load_codec
from telucodec.runtime.model import FILE_NAME as MODEL_NAME
from telucodec.runtime.model import HOP, SHIPPED, load_model
from telucodec.runtime.packets import read_header
from telucodec.runtime.quantise import noise_signs, restore, step_size
from telucodec.runtime.synthesis import INPUTS, OUTPUTS, REFINED, USES, Synthesis
from telucodec.runtime.transform import DB_PER_UNIT, PACKET_FRAMES, TransformCodec

MODES = ("natural", "fidelity")


def graph(mode="natural", outputs=OUTPUTS, std=0.0):
    torch.manual_seed(0)
    if mode == "natural":
        net = SynthesisConfig(inputs=INPUTS, outputs=outputs, width=16, blocks=2).build().eval()
        torch.nn.init.normal_(net.links[-1].conv.weight, std=std)
    else:
        net = RefinementConfig(bins=REFINED, width=8, blocks=2).build().eval()
        torch.nn.init.normal_(net.last.weight, std=std)
    return synthesis_graph(net.requires_grad_(False))


def codec_with(name, **settings):
    return TransformCodec(load_model(), syntheses={mode: Synthesis(partial(graph, mode, **settings), name, mode) for mode in MODES})


@pytest.fixture(scope="module")
def untrained():
    return codec_with("untrained")


@pytest.fixture(scope="module")
def trained():
    return codec_with("random", std=0.1)


@pytest.fixture(scope="module")
def plain():
    return TransformCodec(load_model())


@pytest.fixture(scope="module")
def long_speech(telugu):
    return np.tile(telugu, 3)


@pytest.mark.parametrize("mode", MODES)
def test_an_untrained_network_changes_nothing(untrained, plain, telugu, mode):
    data = plain.encode(telugu, kbps=6, mode=mode)
    assert np.abs(untrained.decode(data) - plain.decode(data)).max() < 1e-6


@pytest.mark.parametrize("mode", MODES)
def test_the_bitstream_does_not_depend_on_it(trained, plain, telugu, mode):
    assert trained.encode(telugu, kbps=6, mode=mode) == plain.encode(telugu, kbps=6, mode=mode)
    assert trained.digest != plain.digest
    assert trained.digest_of(mode) not in (trained.digest, plain.digest)


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_has_its_own(trained, plain, telugu, mode):
    other = TransformCodec(plain.model, syntheses={name: synthesis for name, synthesis in trained.syntheses.items() if name != mode})
    data = plain.encode(telugu, kbps=6, mode=mode)
    assert np.abs(trained.decode(data) - plain.decode(data)).max() > 1e-3
    assert np.array_equal(other.decode(data), plain.decode(data))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("start_s", "duration_s"), [(0, 1), (5.01, 0.5), (9.98, 1.2), (11, None)])
def test_a_part_is_the_same_as_in_the_whole(trained, long_speech, start_s, duration_s, mode):
    data = trained.encode(long_speech, kbps=6, mode=mode)
    start = round(16_000 * start_s)
    end = long_speech.shape[-1] if duration_s is None else start + round(16_000 * duration_s)
    part = np.concatenate(list(trained.decode_from(data, start_s=start_s, duration_s=duration_s)), axis=-1)
    assert np.array_equal(part, trained.decode(data)[:, start:end])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("num_samples", [0, 1, 320, 321, PACKET_FRAMES * 320, PACKET_FRAMES * 320 + 1])
def test_length_is_kept_to_the_sample(trained, long_speech, num_samples, mode):
    wave = long_speech[:, :num_samples]
    assert trained.decode(trained.encode(wave, quality=40, mode=mode)).shape == wave.shape


@pytest.mark.parametrize("mode", MODES)
def test_concealed_frames_stay_as_they_are(trained, untrained, long_speech, mode):
    data = bytearray(trained.encode(long_speech, kbps=6, mode=mode))
    data[HEADER_BYTES + 300] ^= 0x55  # somewhere in the first packet
    sounds = [np.concatenate(list(codec.decode_from(bytes(data), concealed=[])), axis=-1) for codec in (trained, untrained)]
    hidden = slice(0, (read_header(data).packet_frames - 2) * 320)
    assert np.abs(sounds[0] - sounds[1])[:, hidden].max() < 1e-6
    assert np.abs(sounds[0] - sounds[1]).max() > 1e-3


@pytest.mark.parametrize("mode", MODES)
def test_loudness_does_not_matter_to_it(trained, telugu, mode):
    at = {1: 40, 0.25: 40 + 2 * 6.0206}
    loud, quiet = (trained.decode(trained.encode(gain * telugu, quality=quality, mode=mode)) for gain, quality in at.items())
    assert np.abs(loud - 4 * quiet).max() < 1e-3


def test_natural_mode_moves_nothing_by_more_than_a_step(plain, telugu):
    (decoded,) = plain.integers(plain.encode(telugu[:, :64_000], quality=50))
    restored = restore(decoded, step_size(round(50 / DB_PER_UNIT)), 10, plain.model, noise_signs(0, len(decoded.halves)))
    passed = Synthesis(partial(graph, std=10.0), "wild").begin().push(restored, 10)[1:]
    moved = np.abs(passed - restored.coefficients[:-1]) / restored.steps[:-1]
    assert 0.9 < moved.max() < 1.01


def test_a_network_of_another_kind_is_named(telugu):
    codec = TransformCodec(load_model(), syntheses={"natural": Synthesis(partial(graph, outputs=3), "three.onnx")})
    with pytest.raises(ModelError, match="three.onnx"):
        codec.decode(codec.encode(telugu, kbps=6))


@pytest.mark.parametrize("mode", MODES)
def test_a_file_that_is_no_network_is_named(telugu, tmp_path, mode):
    (tmp_path / MODEL_NAME).write_bytes(SHIPPED.read_bytes())
    (tmp_path / USES[mode].file_name).write_bytes(b"no network")
    codec = load_codec(tmp_path)
    with pytest.raises(ModelError, match=f"{USES[mode].file_name}.*telucodec build"):
        codec.decode(codec.encode(telugu, kbps=6, mode=mode))


def test_a_model_without_it_decodes_plainly(plain, telugu, tmp_path):
    (tmp_path / MODEL_NAME).write_bytes(SHIPPED.read_bytes())
    codec = load_codec(tmp_path)
    data = codec.encode(telugu, kbps=6)
    assert np.array_equal(codec.decode(data), plain.decode(data))


@pytest.mark.parametrize("kbps", [3.2, 6])
def test_quiet_noise_does_not_hum_at_the_frame_rate(codec, telugu, kbps):
    noise = np.random.default_rng(0).normal(0, 1e-3, (1, 32_000)).astype(np.float32)
    heard = codec.decode(codec.encode(np.concatenate([telugu, noise], axis=1), kbps=kbps))[0, -24_000:]
    assert heard.std() > 3e-4
    for frames in (1, 2):
        assert abs(np.corrcoef(heard[: -frames * HOP], heard[frames * HOP :])[0, 1]) < 0.1
