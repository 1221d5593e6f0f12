import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from telucodec.audio.mel import FULL_SCALES
from telucodec.errors import TelucodecError
from telucodec.losses import LOSSES, LossConfig
from telucodec.losses.loudness import LoudnessConfig
from telucodec.losses.mel import MelConfig
from telucodec.losses.similarity import SimilarityConfig
from telucodec.losses.stft import STFTConfig
from telucodec.losses.sum import SumConfig
from telucodec.losses.waveform import L1Config, LogMSEConfig, RelativeMSEConfig
from telucodec.losses.waves import Waves

RATE = 16_000
CONFIGS = {**{kind: config() for kind, config in LOSSES.items()}, "mel, full": MelConfig(scales=FULL_SCALES)}
OF_SAMPLES = {"l1", "relative_mse", "log_mse"}
each = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())


@pytest.fixture
def speech(telugu):
    """Four crops [4, 1, 8000]."""
    return torch.from_numpy(telugu[:, 16_000:48_000].reshape(4, 1, 8000).copy())


def noise_like(wave, level):
    return level * torch.randn(wave.shape, generator=torch.Generator().manual_seed(1))


def white(level):
    return level * torch.randn(2, 1, 8000, generator=torch.Generator().manual_seed(2))


def gradient(config, reference, estimate):
    estimate = estimate.clone().requires_grad_()
    value = config.build(RATE)(Waves(reference, estimate))
    value.backward()
    return value.item(), estimate.grad


def test_the_shelf_names_each_kind_once():
    for kind, config in LOSSES.items():
        assert TypeAdapter(LossConfig).validate_python({"kind": kind}) == config()
    with pytest.raises(ValidationError):
        TypeAdapter(LossConfig).validate_python({"kind": "mel", "windowz": []})


@each
def test_equal_waves_cost_nothing_and_pull_at_nothing(config, speech):
    value, pull = gradient(config, speech, speech)
    assert value == 0
    assert pull.norm() < 1e-5 * gradient(config, speech, 0.9 * speech + noise_like(speech, 1e-2))[1].norm()


@each
def test_more_noise_costs_more(config, speech):
    loss = config.build(RATE)
    values = [loss(Waves(speech, speech + noise_like(speech, level))) for level in (1e-4, 1e-3, 1e-2, 1e-1)]
    assert values == sorted(values)
    assert values[0] > 0
    assert values[-1] > 2 * values[0]


@each
def test_a_lower_level_costs_more(config, speech):
    loss = config.build(RATE)
    values = [loss(Waves(speech, level * speech)) for level in (1.0, 0.9, 0.5, 0.1, 0.0)]
    assert values == sorted(values)
    assert values[-1] > values[1] > 0


@each
def test_polarity_shows_in_samples_alone(config, speech):
    flipped = config.build(RATE)(Waves(speech, -speech))
    assert (flipped > 0.01) if config.kind in OF_SAMPLES else (flipped < 1e-5)


@each
def test_one_step_against_the_gradient_lowers_the_loss(config, speech):
    estimate = 0.8 * speech + noise_like(speech, 1e-2)
    value, pull = gradient(config, speech, estimate)
    step = 1e-3 * estimate.norm() / pull.norm()
    assert config.build(RATE)(Waves(speech, estimate - step * pull)) < value


@each
@pytest.mark.parametrize(
    "case", ["silent reference", "silent estimate", "both silent", "half silent", "full scale against silence", "one sample"]
)
def test_value_and_gradient_are_finite(config, case, speech):
    silence = torch.zeros_like(speech)
    reference, estimate = {
        "silent reference": (silence, speech),
        "silent estimate": (speech, silence),
        "both silent": (silence, silence),
        "half silent": (speech * (torch.arange(8000) < 4000), speech * (torch.arange(8000) < 2000)),
        "full scale against silence": (silence, torch.ones_like(speech)),
        "one sample": (speech[..., :1], -speech[..., :1]),
    }[case]
    value, pull = gradient(config, reference, estimate)
    assert torch.isfinite(torch.tensor(value))
    assert torch.isfinite(pull).all()


@each
def test_crops_of_a_batch_count_alike_and_in_any_order(config, speech):
    loss, estimate = config.build(RATE), speech + noise_like(speech, 1e-2)
    whole = loss(Waves(speech, estimate))
    torch.testing.assert_close(loss(Waves(speech.flip(0), estimate.flip(0))), whole)
    torch.testing.assert_close(torch.stack([loss(Waves(x[None], y[None])) for x, y in zip(speech, estimate, strict=True)]).mean(), whole)


@each
def test_no_gradient_reaches_the_reference(config, speech):
    reference, estimate = speech.clone().requires_grad_(), (0.5 * speech).requires_grad_()
    config.build(RATE)(Waves(reference, estimate)).backward()
    assert reference.grad is None
    assert estimate.grad.abs().sum() > 0


@each
def test_autocast_changes_nothing(config, speech):
    loss, estimate = config.build(RATE), speech + noise_like(speech, 1e-2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = loss(Waves(speech, estimate))
    assert inside.dtype == torch.float32
    assert inside == loss(Waves(speech, estimate))


def test_other_shapes_are_a_slip(speech):
    with pytest.raises(ValueError, match=r"\[B, 1, T\]"):
        Waves(speech[:, 0], speech[:, 0])
    with pytest.raises(ValueError, match=r"\[B, 1, T\]"):
        Waves(speech, speech[..., :-1])


def test_a_spectrum_that_two_losses_share_is_worked_out_once(speech):
    waves = Waves(speech, 0.5 * speech)
    assert waves.powers(256)[1] is waves.powers(256)[1]


def test_closed_forms_of_the_sample_losses():
    reference, estimate = torch.full((2, 1, 100), 0.5), torch.full((2, 1, 100), 0.4)
    assert L1Config().build(RATE)(Waves(reference, estimate)).item() == pytest.approx(0.1)
    assert RelativeMSEConfig().build(RATE)(Waves(reference, estimate)).item() == pytest.approx(0.04)  # SNR 14 dB
    quiet = RelativeMSEConfig(quietest_db=-20.0).build(RATE)  # 0.1: a crop at 0.05 counts as if at 0.1
    assert quiet(Waves(0.1 * reference, 0 * reference)).item() == pytest.approx(0.25)


@pytest.mark.parametrize("kind", ["relative_mse", "mel", "stft"])
def test_a_common_gain_changes_little_far_above_the_floor(kind):
    loss = LOSSES[kind]().build(RATE)
    reference = white(0.1)
    estimate = 0.9 * reference + noise_like(reference, 0.01)
    torch.testing.assert_close(loss(Waves(reference, estimate)), loss(Waves(reference / 4, estimate / 4)), rtol=1e-3, atol=0)


def test_a_tenth_of_the_amplitude_is_one_in_mel():
    reference = white(0.3)
    assert MelConfig().build(RATE)(Waves(reference, 0.1 * reference)).item() == pytest.approx(1, rel=1e-3)


def test_ten_db_less_in_every_bin_is_the_stft_losses_closed_form():
    reference, ratio = white(0.3), 10**-0.5
    expected = (1 - ratio) + 1.151293  # ||X - rX|| / ||X|| and -ln r
    assert STFTConfig().build(RATE)(Waves(reference, ratio * reference)).item() == pytest.approx(expected, rel=1e-3)


def test_in_a_silent_crop_convergence_is_measured_against_the_quietest_level():
    silence, hiss = torch.zeros(2, 1, 8000), white(1e-3)  # -60 dB
    at_50, at_30 = (STFTConfig(quietest_db=level).build(RATE)(Waves(silence, hiss)) for level in (-50.0, -30.0))
    assert (at_50 - at_30).item() == pytest.approx(10**-0.5 - 10**-1.5, rel=0.1)  # the log magnitudes are the same


@pytest.mark.parametrize("kind", ["mel", "stft"])
def test_the_rounding_of_16_bits_is_not_a_difference(kind, speech):
    silence = torch.zeros_like(speech)
    loss = LOSSES[kind]().build(RATE)
    hiss = noise_like(speech, 1e-3)  # -60 dB
    rounding = noise_like(speech, 8.8e-6)
    assert loss(Waves(silence, rounding)) < 0.1 * loss(Waves(silence, hiss))


def test_mel_sees_what_moved_in_frequency():
    time = torch.arange(8000) / RATE
    tone = [0.1 * torch.sin(2 * torch.pi * hz * time) + white(1e-3) for hz in (1000, 1010, 2000)]
    loss = MelConfig().build(RATE)
    assert loss(Waves(tone[0], tone[2])) > 2 * loss(Waves(tone[0], tone[1]))


@pytest.mark.parametrize("config", [MelConfig(scales=((64, 40),)), LoudnessConfig(window=64), SimilarityConfig(window=64, bands=40)])
def test_too_many_bands_for_a_window_are_named(config):
    with pytest.raises(TelucodecError, match="64 samples at 16000 Hz cannot tell 40 bands apart"):
        config.build(RATE)


def test_a_sum_is_its_terms_times_their_weights(speech):
    config = SumConfig.model_validate(
        {"terms": {"shape": {"weight": 0.5, "loss": {"kind": "relative_mse"}}, "colour": {"weight": 10, "loss": {"kind": "mel"}}}}
    )
    estimate = (0.5 * speech).requires_grad_()
    total, values = config.build(RATE)(speech, estimate)
    assert list(values) == ["shape", "colour"]
    torch.testing.assert_close(values["shape"], RelativeMSEConfig().build(RATE)(Waves(speech, estimate)))
    torch.testing.assert_close(total, 0.5 * values["shape"] + 10 * values["colour"])
    total.backward()
    assert estimate.grad.abs().sum() > 0


def test_a_sum_of_nothing_or_with_a_weight_of_nothing_is_refused():
    for terms in ({}, {"x": {"weight": 0, "loss": {"kind": "l1"}}}, {"x": {"weight": float("nan"), "loss": {"kind": "l1"}}}):
        with pytest.raises(ValidationError):
            SumConfig.model_validate({"terms": terms})


def test_an_error_at_the_floor_of_log_mse_is_3_db_and_ten_times_its_power_10_4():
    silence, config = torch.zeros(2, 1, 100), LogMSEConfig(floor_db=-40.0)
    for error, decibels in ((0.01, 3.0103), (0.01 * 10**0.5, 10.4139)):
        assert config.build(RATE)(Waves(silence, silence + error)).item() == pytest.approx(decibels, abs=1e-3)
