"""Layers and bodies: pieces equal the whole, the future does not move the past, delays and shapes are as told."""

import pytest
import torch
from pydantic import TypeAdapter

from telucodec.models.bodies import BODIES, BodyConfig
from telucodec.models.bodies.spectral import Analysis, SpectralConfig, Synthesis
from telucodec.models.bodies.time_domain import TimeDomainConfig
from telucodec.models.causal import Chain, Delay, Gain, Residual, Tanh
from telucodec.models.depthwise import CausalDepthwise, depthwise
from telucodec.models.layers import CausalConv1d, CausalConvTranspose1d, ConvNeXtBlock, Snake, residual_unit
from telucodec.training.recipe import preset_of, shipped

HOP = 8
SPECTRAL = SpectralConfig(hop=HOP, width=16, encoder_blocks=2, decoder_blocks=2, latent_dim=6)
TIME = TimeDomainConfig(strides=(2, 4), widths=(4, 8), latent_dim=6)
CONFIGS = {
    "spectral": SPECTRAL,
    "spectral, tanh, no look-ahead": SPECTRAL.model_copy(update={"tanh": True, "look_ahead": 0}),
    "time": TIME,
    "time, looks ahead": TIME.model_copy(update={"look_ahead": 1, "lapped": False}),
}
CONFIGS |= {kind: config() for kind, config in BODIES.items() if kind not in ("spectral", "time-domain", "encodec")}
"""EnCodec's takes whole sounds alone (`test_encodec_import.py`)."""
LAYERS = {
    # name: what builds it, its channels, samples in that make one whole frame
    "conv": (lambda: CausalConv1d(3, 5, kernel_size=7, dilation=9), 3, 1),
    "pointwise conv": (lambda: CausalConv1d(3, 5, kernel_size=1), 3, 1),
    "strided conv": (lambda: CausalConv1d(3, 5, kernel_size=8, stride=4), 3, 4),
    "plain conv": (lambda: CausalConv1d(4, 4, kernel_size=3, normed=False), 4, 1),
    "depthwise": (lambda: CausalDepthwise(4, frames=3), 4, 1),
    "transposed conv": (lambda: CausalConvTranspose1d(3, 5, stride=4), 3, 1),
    "snake": (lambda: Snake(3), 3, 1),
    "tanh": (Tanh, 3, 1),
    "gain": (lambda: Gain(3.0), 3, 1),
    "delay": (lambda: Delay(5), 1, 1),
    "residual unit": (lambda: residual_unit(4, dilation=3), 4, 1),
    "ConvNeXt": (lambda: ConvNeXtBlock(6), 6, 1),
    "chain": (lambda: Chain(CausalConv1d(3, 4, 3), Snake(4), CausalConvTranspose1d(4, 2, 3), CausalConv1d(2, 2, 6, stride=3)), 3, 1),
    "residual": (lambda: Residual(CausalConv1d(3, 3, 5), Snake(3)), 3, 1),
    "analysis": (lambda: Analysis(HOP), 1, HOP),
    "synthesis": (lambda: Synthesis(HOP), HOP, 1),
    **{f"{name} encoder": (lambda config=config: config.build().encoder, 1, config.hop) for name, config in CONFIGS.items()},
    **{f"{name} decoder": (lambda config=config: config.build().decoder, config.latent_dim, 1) for name, config in CONFIGS.items()},
}


@pytest.fixture(params=LAYERS.values(), ids=LAYERS)
def layer(request):
    torch.manual_seed(0)
    build, channels, unit = request.param
    return build().eval(), torch.randn(2, channels, 40 * unit), unit


@torch.no_grad()
def test_pieces_equal_the_whole_wherever_they_are_cut(layer):
    module, x, unit = layer
    whole = module(x)
    for cuts in ([20], [1], [39], [3, 4, 5], [10, 11, 30], list(range(1, 40))):
        state, parts = module.silence(2), []
        for start, end in zip([0, *cuts], [*cuts, 40], strict=True):
            part, state = module.step(x[..., start * unit : end * unit], state)
            parts.append(part)
            assert len(state) == module.num_states
        torch.testing.assert_close(torch.cat(parts, dim=-1), whole, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_the_future_does_not_move_the_past_but_does_move_what_follows(layer):
    module, x, unit = layer
    other = x.clone()
    other[..., 20 * unit :] += 1
    before, after = module(x), module(other)
    place = 20 * before.shape[-1] // 40
    torch.testing.assert_close(before[..., :place], after[..., :place], atol=1e-6, rtol=1e-5)
    assert (before - after)[..., place:].abs().max() > 1e-3


def test_the_input_and_every_parameter_of_a_layer_get_a_gradient(layer):
    module, x, _ = layer
    module(x.requires_grad_()).square().sum().backward()
    assert x.grad.abs().max() > 0
    assert all(parameter.grad is not None and torch.isfinite(parameter.grad).all() for parameter in module.parameters())


def test_the_transform_alone_gives_the_sound_back_one_hop_late():
    wave = torch.randn(2, 1, 30 * HOP)
    coefficients = Analysis(HOP)(wave)[:, :HOP]
    back = Synthesis(HOP)(coefficients)
    torch.testing.assert_close(back[..., HOP:], wave[..., :-HOP], atol=1e-5, rtol=1e-5)
    assert coefficients.shape == (2, HOP, 30)


@pytest.mark.parametrize("kind", BODIES)
def test_the_shelf_holds_it_under_its_kind(kind):
    assert TypeAdapter(BodyConfig).validate_python({"kind": kind}) == BODIES[kind]()


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_shapes_and_hop_are_as_told(config):
    body = config.build()
    latent = body.encoder(torch.zeros(3, 1, 10 * config.hop))
    assert body.hop == config.hop
    assert latent.shape == (3, config.latent_dim, 10)
    assert body.decoder(latent).shape == (3, 1, 10 * body.hop)


def test_a_spectral_decoder_has_heard_as_many_later_frames_as_it_looks_ahead():
    """Sound of frame f is due `delay` later; by then the transform of 2 N samples and the frames looked ahead at have come in."""
    for look_ahead in (0, 1, 3):
        body = SPECTRAL.model_copy(update={"look_ahead": look_ahead}).build()
        assert body.delay == HOP * (1 + look_ahead)


@pytest.mark.parametrize(("strides", "widths"), [((2, 4), (4, 8)), ((8, 8, 5), (9, 70, 330)), ((3,), (3,))])
@torch.no_grad()
def test_strided_convolutions_start_as_a_transform_that_loses_nothing(strides, widths):
    """What is left without residual units and latents gives the sound back, as late as the body says."""
    torch.manual_seed(0)
    body = TimeDomainConfig(strides=strides, widths=widths, latent_dim=6, tanh=False).build()
    strided = [link for link in (*body.encoder.links[:-2], *body.decoder.links[1:]) if not isinstance(link, Residual)]
    wave = torch.randn(2, 1, 30 * body.hop)
    torch.testing.assert_close(Chain(*strided)(wave)[..., body.delay :], wave[..., : -body.delay], atol=1e-4, rtol=1e-4)
    assert body.delay % body.hop == 0


def test_a_time_domain_body_that_cannot_be_is_refused():
    for message, settings in {
        "2 strides need as many widths, not 1": {"widths": (8,)},
        r"widths of at least \(2, 8\)": {"widths": (4, 7)},
    }.items():
        with pytest.raises(ValueError, match=message):
            TimeDomainConfig(strides=(2, 4), latent_dim=6, **settings)
    assert TimeDomainConfig(strides=(2, 4), widths=(4, 7), latent_dim=6, lapped=False).delay == 16


def test_tanh_keeps_the_output_within_full_scale():
    torch.manual_seed(0)
    for config in (CONFIGS["spectral, tanh, no look-ahead"], TIME):
        assert config.build().decoder(100 * torch.randn(1, 6, 20)).abs().max() <= 1


def test_transforms_stay_in_float32_within_autocast():
    torch.manual_seed(0)
    body = SPECTRAL.build()
    wave = torch.randn(1, 1, 20 * HOP)
    expected = body.encoder.links[0](wave)
    with torch.autocast("cpu", torch.bfloat16):
        cast = body.encoder.links[0](wave)
        sound = body.decoder(body.encoder(wave))
    torch.testing.assert_close(cast, expected)
    assert sound.dtype == torch.float32


@pytest.mark.parametrize("name", shipped("presets"))
def test_presets_that_ship_build_bodies_that_fit(name):
    config = preset_of(name)
    assert config.sample_rate % config.body.hop == 0
    with torch.device("cpu"), torch.no_grad():
        body = config.body.build()
        assert body.decoder(body.encoder(torch.zeros(1, 1, 4 * body.hop))).shape == (1, 1, 4 * body.hop)


@pytest.mark.parametrize("axes", [(9,), (6, 9)])
def test_the_gradients_of_depthwise_convolutions_are_those_of_autograd(axes):
    torch.manual_seed(0)
    x, weight, bias = (
        torch.randn(*shape, dtype=torch.float64, requires_grad=True) for shape in ((2, 3, *axes), (3, 1, *[3] * len(axes)), (3,))
    )
    ours = depthwise(x, weight, bias)
    theirs = (torch.nn.functional.conv1d if len(axes) == 1 else torch.nn.functional.conv2d)(x, weight, bias, groups=3)
    torch.testing.assert_close(ours, theirs)
    towards = torch.randn_like(ours)
    for own, expected in zip(*(torch.autograd.grad(y, (x, weight, bias), towards) for y in (ours, theirs)), strict=True):
        torch.testing.assert_close(own, expected)


def test_the_gradient_of_snake_is_that_of_its_formula():
    torch.manual_seed(0)
    snake = Snake(3).double()
    with torch.no_grad():
        snake.alpha.uniform_(0.5, 1.5)
    x = torch.randn(2, 3, 7, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, alpha: snake.apply_to(x), (x, snake.alpha))
    torch.testing.assert_close(snake(x), x + torch.sin(snake.alpha * x) ** 2 / snake.alpha)
