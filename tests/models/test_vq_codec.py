"""The codec of discrete codes as one: training's view agrees with coding, its cost is what is counted by hand, its file is safe."""

import json
import pickle

import pytest
import torch
from safetensors.torch import save

from telucodec.config import parse
from telucodec.errors import ConfigError, ModelError
from telucodec.export.graphs import fold
from telucodec.models import bodies, quantizers
from telucodec.models.complexity import complexity
from telucodec.models.store import FILE_NAME, FORMAT, load_codec_module, save_codec
from telucodec.models.vq_codec import VQCodecConfig

BODIES = {kind: {"kind": kind} for kind in bodies.BODIES if kind != "encodec"} | {
    "spectral": {"kind": "spectral", "hop": 80, "width": 12, "encoder_blocks": 1, "decoder_blocks": 1, "latent_dim": 6},
    "time-domain": {"kind": "time-domain", "strides": [4, 5], "widths": [5, 20], "latent_dim": 6},
}
QUANTIZERS = {kind: {"kind": kind, "num_codebooks": 3} for kind in quantizers.QUANTIZERS} | {
    "rvq-ema": {"kind": "rvq-ema", "num_codebooks": 3, "codebook_size": 16},
    "rvq-factorised": {"kind": "rvq-factorised", "num_codebooks": 3, "codebook_size": 16, "code_dim": 4},
    "fsq": {"kind": "fsq", "num_codebooks": 3, "levels": [3, 5]},
}


def config(body="spectral", quantizer="rvq-ema"):
    return parse({"body": BODIES[body], "quantizer": QUANTIZERS[quantizer]}, VQCodecConfig, "test")


@pytest.fixture(autouse=True)
def same_numbers():
    torch.manual_seed(0)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("quantizer", QUANTIZERS)
@torch.no_grad()
def test_training_hears_what_coding_gives(body, quantizer):
    codec = config(body, quantizer).build().eval()
    wave = torch.randn(2, 1, 12 * codec.hop)
    estimate, quantized = codec(wave)
    length = wave.shape[-1] - codec.delay
    codes = codec.encode(wave[..., :length])
    # The frames of the last `delay` samples hear silence when coding and sound in training.
    same = length // codec.hop
    assert estimate.shape == (2, 1, length)
    torch.testing.assert_close(codes[..., :same], quantized.codes[..., :same])
    decoded = codec.decode(quantized.codes, length)
    torch.testing.assert_close(decoded, estimate, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("length", [0, 1, 79, 80, 81, 1000])
@torch.no_grad()
def test_any_length_comes_back_as_long(length):
    codec = config().build().eval()
    codes = codec.encode(torch.randn(1, 1, length))
    assert codes.shape == (1, 3, -(-length // 80) + codec.delay // 80)
    assert codec.decode(codes, length).shape == (1, 1, length)


def test_folding_weight_norms_changes_no_sample():
    codec = config("time-domain").build().eval()
    wave = torch.randn(1, 1, 400)
    with torch.no_grad():
        before = codec(wave)[0]
        fold(codec)
        torch.testing.assert_close(codec(wave)[0], before, atol=1e-5, rtol=1e-5)
    assert not any("parametrizations" in name for name, _ in codec.named_parameters())


def test_rates_are_those_of_the_codes():
    codec = config()
    assert codec.frame_rate == 200
    assert codec.kbps == pytest.approx(3 * 4 * 0.2)


def test_a_tiny_codec_costs_what_is_counted_by_hand():
    found = complexity(config())
    analysis = synthesis = 80 * 160
    encoder = 160 * 12 + (12 * 7 + 2 * 12 * 48) + 12 * 6
    decoder = 6 * 12 * 3 + (12 * 7 + 2 * 12 * 48) + 12 * 80
    codebooks = 3 * 16 * 6
    assert found.macs == 200 * (analysis + encoder + decoder + synthesis + codebooks)
    block = (12 * 7 + 12) + 2 * 12 + (12 * 48 + 48) + (48 * 12 + 12) + 12
    assert found.parameters == (160 * 12 + 12) + block + (12 * 6 + 6) + (6 * 12 * 3 + 12) + block + (12 * 80 + 80) + codebooks
    assert found.kbps == pytest.approx(2.4)


def test_cost_is_for_a_second_also_where_frames_do_not_fill_it():
    tables = {"body": BODIES["spectral"] | {"hop": 300}, "quantizer": QUANTIZERS["fsq"]}
    found = complexity(parse(tables, VQCodecConfig, "test"))
    per_frame = 2 * 300 * 600 + (600 * 12 + 84 + 1152 + 72) + (216 + 84 + 1152 + 12 * 300) + 2 * 6 * 6
    assert found.macs == pytest.approx(16_000 / 300 * per_frame)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("quantizer", QUANTIZERS)
def test_a_stored_codec_is_the_same_codec(tmp_path, body, quantizer):
    codec = config(body, quantizer).build().eval()
    path = save_codec(codec, tmp_path)
    wave = torch.randn(1, 1, 20 * codec.hop)
    for place in (tmp_path, path):
        loaded = load_codec_module(place)
        assert loaded.config == codec.config
        assert not loaded.training
        with torch.no_grad():
            assert torch.equal(loaded(wave)[0], codec(wave)[0])


class Boom:
    def __reduce__(self):
        return pytest.fail, ("a pickle was run",)


def stored(config_json=None, form=FORMAT, tensors=None):
    codec = config().build()
    metadata = {"format": form, "config": codec.config.model_dump_json() if config_json is None else config_json}
    return save(codec.state_dict() if tensors is None else tensors, metadata={k: v for k, v in metadata.items() if v})


def changed(name="quantizer.codebooks", value=torch.nan):
    state = config().build().state_dict()
    state[name] = torch.full_like(state[name], value)
    return state


BAD = {
    "a pickle": lambda: pickle.dumps(Boom()),
    "empty": lambda: b"",
    "noise": lambda: bytes(range(256)) * 9,
    "cut off": lambda: stored()[:-100],
    "no metadata": lambda: save({"x": torch.zeros(1)}),
    "another format": lambda: stored(form="telucodec vq 99"),
    "settings that are no JSON": lambda: stored("nonsense"),
    "settings without end": lambda: stored("[" * 100_000),
    "a body of EnCodec's without channels": lambda: stored(
        json.dumps({"body": {"kind": "encodec", "num_filters": -3}, "quantizer": QUANTIZERS["fsq"]})
    ),
    "a body of EnCodec's that pads with nothing known": lambda: stored(
        json.dumps({"body": {"kind": "encodec", "pad_mode": "nosuch"}, "quantizer": QUANTIZERS["fsq"]})
    ),
    "a body of EnCodec's without a stride": lambda: stored(
        json.dumps({"body": {"kind": "encodec", "upsampling_ratios": [0]}, "quantizer": QUANTIZERS["fsq"]})
    ),
    "settings of too large a codec": lambda: stored(
        json.dumps({"body": BODIES["spectral"] | {"hop": 10**9}, "quantizer": QUANTIZERS["fsq"]})
    ),
    "even levels": lambda: stored(json.dumps({"body": BODIES["spectral"], "quantizer": {"kind": "fsq", "levels": [4]}})),
    "parameters of another codec": lambda: stored(config("time-domain").model_dump_json()),
    "missing parameters": lambda: stored(tensors={"x": torch.zeros(1)}),
    "parameters that are not finite": lambda: stored(tensors=changed()),
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_what_is_no_trained_codec_is_told_in_one_line(tmp_path, content):
    (tmp_path / FILE_NAME).write_bytes(content())
    with pytest.raises((ModelError, ConfigError)) as told:
        load_codec_module(tmp_path)
    assert "\n" not in str(told.value)
    assert FILE_NAME in str(told.value)


def test_a_codec_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ModelError, match="no codec there"):
        load_codec_module(tmp_path)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("length", [0, 1, 640, 1000])
@torch.no_grad()
def test_codes_in_pieces_are_those_of_the_whole(body, length):
    codec, wave = config(body).build().eval(), torch.randn(2, 1, length)
    assert torch.equal(codec.encode_in_pieces(wave, 3), codec.encode(wave))
