"""Learning how likely codes are: what is trained is what ships, what can be learnt is, chance stays chance."""

import numpy as np
import pytest
import soundfile
import torch

from telucodec.audio.media import SAMPLE_RATE
from telucodec.config import parse
from telucodec.data.manifest import Segment, read_segment
from telucodec.models.vq_codec import VQCodecConfig
from telucodec.runtime.codes import CodesCoder
from telucodec.training import codes as training
from telucodec.training.codes import CodesNet, codes_of, fit_codes, windows

COUNT, SIZE = 3, 16


@pytest.fixture
def codec(monkeypatch):
    monkeypatch.setattr(training, "HIDDEN", 32)
    torch.manual_seed(0)
    tables = {
        "body": {"kind": "spectral", "width": 4, "encoder_blocks": 0, "decoder_blocks": 0, "latent_dim": 8},
        "quantizer": {"kind": "rvq-ema", "num_codebooks": COUNT, "codebook_size": SIZE},
    }
    return parse(tables, VQCodecConfig, "test").build()


def chance(frames):
    return np.random.default_rng(0).integers(0, SIZE, (COUNT, frames))


def walking(frames):
    """Codes that are known from the frame before and the codebook below, but for the first one's steps."""
    first = np.cumsum(np.random.default_rng(0).integers(0, 2, frames)) % SIZE
    return np.stack([first, (first + 5) % SIZE, np.roll(first, 1)])


def bits_a_code(model, codes):
    coder = CodesCoder(model)
    return np.mean([8 * len(coder.encode(codes[:, s : s + 250].T)) / codes[:, s : s + 250].size for s in range(0, codes.shape[1], 250)])


def test_the_trainable_twin_expects_what_will_ship(codec):
    net = CodesNet(codec.quantizer.tables()[:, :-1], torch.ones(COUNT, SIZE))
    with torch.no_grad():
        net.last.copy_(torch.randn_like(net.last))
        net.last_bias.copy_(torch.randn_like(net.last_bias))
        window = windows([chance(40)], SIZE)
        bits = net(torch.from_numpy(window).long()).numpy()  # [n, K]
    coder = CodesCoder(net.integers())
    sums = coder._past_sums(window[:, 1::-1].astype(np.int64))
    for k in range(COUNT):
        weights = coder._weights_of(k, sums)
        shipped = -np.log2(weights[np.arange(40), window[:, -1, k]] / weights.sum(axis=1))
        np.testing.assert_allclose(shipped, np.minimum(bits[:, k], 19), atol=0.15)  # a 16th of a bit, and weights of one at least
        sums = sums + coder._present[k, window[:, -1, k]]


def test_a_long_row_is_encoded_piece_by_piece(codec, tmp_path, monkeypatch):
    soundfile.write(tmp_path / "long.wav", 0.1 * np.random.default_rng(0).standard_normal(3 * SAMPLE_RATE), SAMPLE_RATE)
    row = Segment("long.wav", 0.0, 3.0, "long", "one", 0.1, 0.5, 0.0)
    with torch.no_grad():
        whole = codec.eval().encode(torch.from_numpy(read_segment(row, tmp_path))[None])[0]
    heard, step = [], codec.encoder.step
    monkeypatch.setattr(codec.encoder, "step", lambda x, state: heard.append(x.shape[-1]) or step(x, state))
    monkeypatch.setattr(training, "PIECE_FRAMES", 40)
    (codes,) = codes_of(codec, [row], tmp_path)
    np.testing.assert_array_equal(codes, whole.numpy())
    assert max(heard) == 40 * codec.hop and sum(heard) == codes.shape[1] * codec.hop


def test_contexts_start_afresh_in_every_packet():
    codes = chance(260)
    made = windows([codes], SIZE)
    assert made.shape == (260, 3, COUNT)
    np.testing.assert_array_equal(made[:, -1], codes.T)
    for frame in (0, 250):
        assert (made[frame, :2] == SIZE).all()
        assert (made[frame + 1, 0] == SIZE).all()
    np.testing.assert_array_equal(made[259, 0], codes[:, 257])


def test_what_follows_from_what_went_before_costs_little(codec):
    codes = walking(2000)
    model = fit_codes(codec, [codes[:, :1500]], minutes=1, updates=150)
    assert bits_a_code(model, codes[:, 1500:]) < 1.5  # a third of a bit at best, four without a model


def test_chance_costs_hardly_more_than_without_a_model(codec):
    model = fit_codes(codec, [chance(1500)], minutes=1, updates=40)
    assert 3.9 < bits_a_code(model, np.random.default_rng(7).integers(0, SIZE, (COUNT, 500))) < 4.3


def test_the_same_seed_gives_the_same_model(codec):
    state = torch.get_rng_state()
    first, second = (fit_codes(codec, [walking(600)], minutes=1, updates=5) for _ in range(2))
    assert first.to_bytes() == second.to_bytes()
    assert first.to_bytes() != fit_codes(codec, [walking(600)], minutes=1, updates=5, seed=1).to_bytes()
    assert torch.equal(torch.get_rng_state(), state)
