"""What every quantizer on the shelf keeps, and what each is known for."""

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from telucodec.models.quantizers import QUANTIZERS, QuantizerConfig
from telucodec.models.quantizers.clusters import k_means
from telucodec.models.quantizers.ema_rvq import EmaRVQConfig
from telucodec.models.quantizers.fsq import FSQConfig

WIDTH, BATCH, FRAMES = 12, 4, 50
SMALL = {
    "rvq-ema": {"codebook_size": 32},
    "rvq-factorised": {"codebook_size": 32, "code_dim": 4},
    "fsq": {"levels": (5, 3, 3)},
}
CONFIGS = {kind: config(num_codebooks=4, **SMALL.get(kind, {})) for kind, config in QUANTIZERS.items()}
RESIDUAL = [CONFIGS["rvq-ema"], CONFIGS["rvq-factorised"]]


@pytest.fixture(autouse=True)
def same_numbers():
    torch.manual_seed(0)


def latents(batch=BATCH):
    return torch.randn(batch, WIDTH, FRAMES) * torch.linspace(0.2, 2, WIDTH)[:, None]


def rows(latent):
    return latent.transpose(1, 2).flatten(0, 1)


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS)
def quantizer(request):
    made = request.param.build(WIDTH)
    made.initialise(rows(latents(32)))
    return made.eval()


@pytest.mark.parametrize("kind", QUANTIZERS)
def test_the_shelf_holds_it_under_its_kind(kind):
    assert TypeAdapter(QuantizerConfig).validate_python({"kind": kind}) == QUANTIZERS[kind]()


def test_what_comes_out_is_what_a_decoder_makes_of_the_codes(quantizer):
    latent = latents()
    quantized = quantizer(latent)
    torch.testing.assert_close(quantized.codes, quantizer.encode(latent))
    torch.testing.assert_close(quantized.latent, quantizer.decode(quantized.codes), atol=1e-5, rtol=1e-5)
    assert quantized.codes.dtype == torch.int64
    assert quantized.codes.shape == (BATCH, quantizer.num_codebooks, FRAMES)
    assert 0 <= quantized.codes.min() and quantized.codes.max() < quantizer.codebook_size


def test_codebooks_dropped_add_nothing_and_are_what_n_stands_for(quantizer):
    latent, active = latents(), torch.tensor([1, 2, 4, 3])
    quantized = quantizer(latent, active)
    codes = quantized.codes.clone()
    for sound, count in enumerate(active):
        codes[sound, count:] = quantizer.codebook_size
    torch.testing.assert_close(quantized.latent, quantizer.decode(codes), atol=1e-5, rtol=1e-5)
    nothing = torch.full_like(codes, quantizer.codebook_size)
    assert (quantizer.decode(nothing) == 0).all()
    torch.testing.assert_close(quantizer.tables()[:, -1], torch.zeros(quantizer.num_codebooks, WIDTH))


def test_a_sound_does_not_depend_on_the_others_of_its_batch_or_on_later_frames(quantizer):
    latent = latents()
    whole = quantizer.encode(latent)
    torch.testing.assert_close(quantizer.encode(latent[1:2, :, :7]), whole[1:2, :, :7])


def test_codes_under_bfloat16_autocast_are_those_of_float32(quantizer):
    latent = latents()
    expected = quantizer(latent)
    with torch.autocast("cpu", torch.bfloat16):
        cast = quantizer(latent)
        assert torch.equal(quantizer.encode(latent), expected.codes)
        torch.testing.assert_close(quantizer.decode(expected.codes), expected.latent.detach(), atol=1e-5, rtol=1e-5)
    assert torch.equal(cast.codes, expected.codes)
    assert cast.latent.dtype == cast.loss.dtype == torch.float32


def test_gradients_reach_the_latent_through_every_number_of_codebooks(quantizer):
    for count in range(1, quantizer.num_codebooks + 1):
        latent = latents().requires_grad_()
        (quantizer(latent, torch.full((BATCH,), count)).latent * torch.randn(BATCH, WIDTH, FRAMES)).sum().backward()
        assert (latent.grad.abs().amax(dim=1) > 0).all()


def test_moving_averages_pass_the_gradient_on_as_the_identity_does():
    quantizer = CONFIGS["rvq-ema"].build(WIDTH)
    latent, weights = latents().requires_grad_(), torch.randn(BATCH, WIDTH, FRAMES)
    (quantizer(latent, torch.tensor([1, 2, 3, 4])).latent * weights).sum().backward()
    torch.testing.assert_close(latent.grad, weights)


def test_fsq_passes_the_gradient_on_as_its_bounded_projections_do():
    quantizer = CONFIGS["fsq"].build(WIDTH)
    latent, weights = latents().requires_grad_(), torch.randn(BATCH, WIDTH, FRAMES)
    (quantizer(latent).latent * weights).sum().backward()
    smooth = latent.detach().clone().requires_grad_()
    (quantizer.up(quantizer._bounded(smooth.transpose(1, 2)).flatten(2)).transpose(1, 2) * weights).sum().backward()
    torch.testing.assert_close(latent.grad, smooth.grad)


def test_codebooks_of_the_factorised_learn_from_their_own_term_alone():
    quantizer = CONFIGS["rvq-factorised"].build(WIDTH)
    quantizer(latents()).latent.sum().backward(retain_graph=True)
    assert quantizer.codebooks.grad is None or (quantizer.codebooks.grad == 0).all()
    quantizer(latents()).loss.backward()
    assert (quantizer.codebooks.grad.flatten(1).abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize("config", RESIDUAL, ids=lambda config: config.kind)
def test_latents_are_drawn_to_their_entries_as_much_as_they_are_committed(config):
    pulls = []
    for commitment in (0.25, 1.0):
        torch.manual_seed(0)
        quantizer, latent = config.model_copy(update={"commitment": commitment}).build(WIDTH), latents().requires_grad_()
        quantizer.eval()(latent).loss.backward()
        pulls.append(latent.grad)
    assert pulls[0].abs().max() > 0
    torch.testing.assert_close(pulls[1], 4 * pulls[0])


def test_entries_of_the_factorised_are_chosen_by_direction_alone():
    quantizer = CONFIGS["rvq-factorised"].build(WIDTH)
    latent = latents()
    before = quantizer._look_up(0, latent.transpose(1, 2))[1]
    with torch.no_grad():
        quantizer.codebooks *= torch.rand(4, 32, 1) + 0.1
    assert torch.equal(quantizer._look_up(0, latent.transpose(1, 2))[1], before)


@pytest.mark.parametrize("config", RESIDUAL, ids=lambda config: config.kind)
def test_starting_by_k_means_leaves_less_error_than_chance(config):
    errors = []
    for start in (False, True):
        torch.manual_seed(1)
        quantizer = config.model_copy(update={"k_means": start, "num_codebooks": 1}).build(WIDTH)
        latent = latents(32)
        quantizer.initialise(rows(latent))
        errors.append(float((quantizer.eval()(latent).latent - latent).square().mean().detach()))
    assert errors[1] < 0.8 * errors[0]


def test_each_codebook_lowers_the_error():
    quantizer, latent = CONFIGS["rvq-ema"].build(WIDTH), latents(32)
    quantizer.initialise(rows(latent))
    errors = [float((quantizer.eval()(latent, torch.full((32,), count)).latent - latent).square().mean()) for count in range(1, 5)]
    assert sorted(errors, reverse=True) == errors
    assert errors[-1] < 0.6 * errors[0]


def test_k_means_finds_clusters_that_lie_apart_and_bears_too_few_vectors():
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    vectors = (centres[:, None] + 0.1 * torch.randn(3, 200, 2)).flatten(0, 1)
    found = k_means(vectors, 24)
    assert torch.cdist(centres, found).min(dim=1).values.max() < 0.5
    assert torch.isfinite(k_means(vectors[:1], 8)).all()


def test_k_means_leaves_a_start_where_both_centres_lie_in_one_cluster():
    vectors = 0.1 * torch.randn(2, 300, 1) + torch.tensor([0.0, 10.0])[:, None, None]
    for _ in range(10):
        found = k_means(vectors.flatten(0, 1), 2).sort(dim=0).values
        torch.testing.assert_close(found, vectors.mean(dim=1), atol=1e-4, rtol=0)


@pytest.mark.parametrize("config", RESIDUAL, ids=lambda config: config.kind)
def test_dead_entries_move_to_where_latents_are_and_come_alive(config):
    quantizer, latent = config.build(WIDTH), latents(16)
    quantizer.initialise(rows(latent))
    with torch.no_grad():
        quantizer.codebooks[0, 5:] = 1000.0 if config.kind == "rvq-ema" else quantizer.codebooks[0, 0]
        quantizer.counts[0, 5:] = 0.0
    used_before = len(quantizer.encode(latent)[:, 0].unique())
    assert quantizer.revive(rows(latent)) == 27
    assert len(quantizer.encode(latent)[:, 0].unique()) > used_before + 10
    assert quantizer.revive(rows(latent)) == 0


def test_a_dead_entry_moves_to_what_the_codebooks_before_left_over():
    quantizer = EmaRVQConfig(num_codebooks=2, codebook_size=2).build(1)
    quantizer.codebooks.copy_(torch.tensor([[[10.0], [-10.0]], [[0.0], [99.0]]]))
    quantizer.counts[1, 1] = 0.0
    assert quantizer.revive(torch.tensor([[11.0], [-9.0]])) == 1
    assert quantizer.codebooks[1, 1].item() == pytest.approx(1)


@pytest.mark.parametrize("config", RESIDUAL, ids=lambda config: config.kind)
def test_the_dead_are_left_alone_where_that_is_asked_for(config):
    quantizer = config.model_copy(update={"dead_share": 0.0}).build(WIDTH)
    quantizer.counts.zero_()
    assert quantizer.revive(rows(latents())) == 0


def test_running_means_follow_what_they_are_chosen_for_in_training_and_stay_in_evaluation():
    quantizer, latent = EmaRVQConfig(num_codebooks=1, codebook_size=1 + 1, decay=0.5).build(1), torch.tensor([[[4.0, 4.0, -2.0, -2.0]]])
    quantizer.codebooks[0] = torch.tensor([[1.0], [-1.0]])
    quantizer.sums.copy_(quantizer.codebooks)
    quantizer.eval()(latent)
    assert quantizer.codebooks[0].flatten().tolist() == [1.0, -1.0]
    quantizer.train()(latent)
    # counts (1 + 2) / 2; sums (1 + 8) / 2 and (-1 - 4) / 2
    torch.testing.assert_close(quantizer.codebooks[0].flatten(), torch.tensor([4.5 / 1.5, -2.5 / 1.5]), atol=1e-3, rtol=0)
    for _ in range(40):
        quantizer(latent)
    torch.testing.assert_close(quantizer.codebooks[0].flatten(), torch.tensor([4.0, -2.0]), atol=1e-3, rtol=0)


def test_pauses_spread_over_more_entries_the_more_even_a_quantizer_is():
    loudness = torch.where(torch.arange(FRAMES) % 2 == 0, 0.01, 1.0)  # every other frame is a pause
    perplexities = []
    for evenness in (0.0, 0.5):
        torch.manual_seed(2)
        quantizer = EmaRVQConfig(num_codebooks=1, codebook_size=64, evenness=evenness).build(WIDTH)
        quantizer.initialise(rows(latents(32) * loudness))
        for _ in range(300):
            quantizer.train()(latents(32) * loudness)
        used = torch.bincount(quantizer.eval().encode(latents(64) * loudness).flatten(), minlength=64) / (64 * FRAMES)
        perplexities.append(float(torch.special.entr(used).sum().exp()))
    assert perplexities[1] > 1.3 * perplexities[0]


def test_a_codebook_learns_nothing_from_sounds_that_are_not_given_it():
    quantizer = EmaRVQConfig(num_codebooks=2, codebook_size=8, decay=0.9).build(WIDTH).train()
    before = quantizer.codebooks.clone()
    quantizer(latents(), torch.ones(BATCH, dtype=torch.int64))
    assert not torch.equal(quantizer.codebooks[0], before[0])
    torch.testing.assert_close(quantizer.codebooks[1], before[1], atol=1e-3, rtol=1e-3)


def test_fsq_reaches_its_outer_levels_and_uses_every_code_whatever_it_is_given():
    quantizer = FSQConfig(num_codebooks=2, levels=(5, 3)).build(4)
    codes = quantizer.encode(3 * torch.randn(8, 4, 4000))
    assert all(len(codes[:, k].unique()) == 15 for k in range(2))
    bounded = quantizer._bounded(100 * torch.randn(1000, 4)).round()
    assert bounded.abs().amax(dim=(0, 1)).tolist() == [2, 1]
    assert len(quantizer.encode(1e-6 * torch.randn(1, 4, 50)).unique()) <= 4  # the middle, where the bias puts it


def test_levels_of_fsq_are_nearly_as_wide_as_each_other():
    quantizer = FSQConfig(num_codebooks=1, levels=(5,)).build(1)
    with torch.no_grad():
        quantizer.down.weight.fill_(1)
        quantizer.down.bias.zero_()
    places = 2.49 * torch.linspace(-1, 1, 2000)[1:-1]  # of what tanh gives, which is spread evenly here
    used = torch.bincount(quantizer.encode(torch.atanh(places / 2.49).view(1, 1, -1)).flatten())
    assert used.min() > 0.98 * used.max()


@pytest.mark.parametrize("levels", [(4, 5), (1, 3), (65, 65), ()])
def test_levels_that_make_no_codebook_are_told(levels):
    with pytest.raises(ValidationError, match="levels"):
        FSQConfig(levels=levels)


@pytest.mark.parametrize("config", [{"num_codebooks": 0}, {"codebook_size": 1}, {"dropout": 1.5}, {"codebook_size": 5000}])
def test_settings_out_of_range_are_told(config):
    with pytest.raises(ValidationError):
        EmaRVQConfig(**config)


def test_every_number_of_codebooks_is_drawn_alike_in_its_share_of_the_sounds():
    quantizer = EmaRVQConfig(num_codebooks=4, codebook_size=8, dropout=0.4).build(WIDTH)
    drawn = quantizer.draw_active(np.random.default_rng(0), 20_000).numpy()
    shares = np.bincount(drawn, minlength=5)[1:] / len(drawn)
    np.testing.assert_allclose(shares, [0.1, 0.1, 0.1, 0.7], atol=0.01)
    assert (EmaRVQConfig(dropout=0.0).build(WIDTH).draw_active(np.random.default_rng(0), 100) == 8).all()
