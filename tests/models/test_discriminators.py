import pytest
import torch
from pydantic import TypeAdapter

from telucodec.losses.adversarial import discriminator_hinge
from telucodec.losses.feature_matching import feature_matching
from telucodec.models.discriminators import DISCRIMINATORS, DiscriminatorConfig
from telucodec.models.discriminators.band_stft import BandSTFTDiscriminatorConfig
from telucodec.models.discriminators.panel import PanelConfig
from telucodec.models.discriminators.period import PeriodDiscriminatorConfig
from telucodec.models.discriminators.stft import STFTDiscriminatorConfig

TINY = {
    "stft": STFTDiscriminatorConfig(windows=(256, 64), width=4),
    "band_stft": BandSTFTDiscriminatorConfig(windows=(256, 64), width=4),
    "period": PeriodDiscriminatorConfig(periods=(2, 5), width=2),
}
each = pytest.mark.parametrize("kind", DISCRIMINATORS)


def tiny(kind):
    torch.manual_seed(0)
    return (TINY.get(kind) or DISCRIMINATORS[kind]()).build()


@pytest.fixture(autouse=True)
def one_thread():
    """Convolutions as small as these take threads longer to share out than to compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def speech(telugu):
    """28 crops [28, 1, 2000]."""
    return torch.from_numpy(telugu[:, 16_000:72_000].reshape(28, 1, 2000).copy())


@each
def test_the_shelf_holds_it_under_its_kind(kind):
    assert TypeAdapter(DiscriminatorConfig).validate_python({"kind": kind}) == DISCRIMINATORS[kind]()


@each
@pytest.mark.parametrize("samples", [1, 320, 1001])
def test_any_length_gives_logits_and_features_for_each_judge(kind, samples):
    judges = tiny(kind)
    judged = judges(torch.randn(3, 1, samples))
    assert len(judged.logits) == len(judged.features) == len(judges.judges)
    for logits, features in zip(judged.logits, judged.features, strict=True):
        assert logits.shape[:2] == (3, 1)
        assert torch.isfinite(logits).all()
        assert features
        assert all(len(layer) == 3 and torch.isfinite(layer).all() for layer in features)


@each
def test_silence_gives_finite_gradients(kind):
    wave = torch.zeros(2, 1, 2000, requires_grad=True)
    judged = tiny(kind)(wave)
    (
        sum(logits.mean() for logits in judged.logits) + feature_matching(tiny(kind)(torch.randn(2, 1, 2000)).features, judged.features)
    ).backward()
    assert torch.isfinite(wave.grad).all()


@each
def test_crops_are_judged_each_by_itself(kind, speech):
    judges = tiny(kind)
    together, alone = judges(speech[:2]).logits, judges(speech[:1]).logits
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one[:1], other)


@each
def test_every_weight_takes_part(kind, speech):
    judges = tiny(kind)
    sum(logits.square().mean() for logits in judges(speech).logits).backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in judges.parameters())


@each
def test_autocast_leaves_about_the_same_judgement(kind, speech):
    judges = tiny(kind)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = judges(speech)
    for one, other in zip(rough.logits, judges(speech).logits, strict=True):
        torch.testing.assert_close(one.float(), other, rtol=0.1, atol=0.02)


@each
def test_it_learns_to_tell_speech_from_noise_of_its_level(kind, speech):
    judges, generator = tiny(kind), torch.Generator().manual_seed(2)
    optimiser = torch.optim.Adam(judges.parameters(), lr=1e-2, betas=(0.8, 0.99))
    level = speech.square().mean((1, 2), keepdim=True).sqrt()

    def noise():
        return level * torch.randn(speech.shape, generator=generator)

    for _ in range(150 if kind == "period" else 50):
        chosen = torch.randperm(24, generator=generator)[:4]  # the last four crops are kept for the end
        loss = discriminator_hinge(judges(speech[chosen]).logits, judges(noise()[chosen]).logits)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        real, made = (sum(logits.flatten(1).mean(1) for logits in judges(wave[24:]).logits) for wave in (speech, noise()))
    assert real.min() > made.max()
    assert loss < 1  # 2 is a judge that says nothing


def test_period_judge_sees_what_repeats():
    """A pulse every 5 samples fills one column of the fold by 5 and leaves the others empty."""
    judge = tiny("period").judges[1]
    wave = torch.zeros(1, 1, 500)
    wave[..., ::5] = 1
    first = judge(wave)[1][0]
    torch.testing.assert_close(first[..., 1:], first[..., 1:2].expand(-1, -1, -1, 4))
    assert not torch.allclose(first[..., 0], first[..., 1])


def test_a_wave_of_whole_rows_is_folded_without_filling():
    judge = PeriodDiscriminatorConfig(periods=(5,), width=1).build().judges[0]
    assert judge(torch.randn(1, 1, 5 * 81))[0].shape == (1, 1, 1, 5)  # 81 rows, four strides of 3
    assert judge(torch.randn(1, 1, 5 * 81 + 1))[0].shape == (1, 1, 2, 5)


def test_bands_hold_every_bin_once():
    judge = tiny("band_stft").judges[0]
    assert sum(judge.band_bins) == 256 // 2 + 1
    with pytest.raises(ValueError, match="empty"):
        BandSTFTDiscriminatorConfig(windows=(64,), splits=(0.5, 0.501)).build()


def test_a_panel_judges_as_its_members_do(speech):
    torch.manual_seed(0)
    panel = PanelConfig(members=tuple(TINY.values())).build()
    assert len(panel(speech).logits) == sum(len(config.build().judges) for config in TINY.values())
