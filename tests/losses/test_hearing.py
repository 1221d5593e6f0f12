"""The two losses after models of hearing: what they leave uncounted, and what they count more."""

import operator
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from telucodec.losses.loudness import LISTENING_DB, LoudnessConfig, hearing_threshold_db
from telucodec.losses.similarity import SimilarityConfig
from telucodec.losses.waves import Waves

RATE = 16_000


@pytest.fixture
def speech(telugu):
    """Four crops [4, 1, 8000]."""
    return torch.from_numpy(telugu[:, 16_000:48_000].reshape(4, 1, 8000).copy())


def noise(like, level_db):
    """White noise, `level_db` dB over each crop of `like`."""
    white = torch.randn(like.shape, generator=torch.Generator().manual_seed(1))
    return white * like.square().mean((1, 2), keepdim=True).sqrt() * 10 ** (level_db / 20)


def cost(config, reference, estimate):
    return config.build(RATE)(Waves(reference, estimate)).item()


def test_hearing_is_keenest_between_3_and_4_khz():
    frequencies = np.arange(50, 8000, 10.0)
    thresholds = hearing_threshold_db(frequencies)
    assert 3000 < frequencies[thresholds.argmin()] < 4000
    assert hearing_threshold_db(np.array([1000.0])) == pytest.approx(3.37, abs=0.01)


def test_what_is_too_soft_to_hear_has_no_loudness(speech):
    inaudible = noise(speech, -LISTENING_DB - 20)
    assert cost(LoudnessConfig(), inaudible * 0, inaudible) == 0
    assert cost(LoudnessConfig(quietest_db=-120.0), inaudible * 0, inaudible) > 0  # at its own level it is loud


def test_a_difference_far_below_the_sound_is_masked(speech):
    loud = noise(speech, 0)
    masked, heard = (cost(LoudnessConfig(), loud, loud + share * loud.flip(-1)) for share in (0.05, 0.5))
    assert masked < 0.01 * heard


def test_a_gain_is_forgiven_and_a_filter_is_not(speech):
    filtered = speech - 0.9 * torch.nn.functional.pad(speech, (1, 0))[..., :-1]
    assert cost(LoudnessConfig(), speech, 0.7 * speech) < 0.05 * cost(LoudnessConfig(), speech, filtered)


def test_what_was_added_counts_more_than_what_is_missing(speech):
    more = speech + noise(speech, -20)
    assert cost(LoudnessConfig(), speech, more) > 1.5 * cost(LoudnessConfig(), more, speech)


def test_similarity_sees_shapes_more_than_levels(speech):
    softer, backwards = 0.7 * speech, speech.flip(-1)
    assert cost(SimilarityConfig(), speech, softer) < 0.2 * cost(SimilarityConfig(), speech, backwards)


def test_similarity_of_unrelated_sounds_is_far_from_one(speech):
    first, second = (torch.randn(4, 1, 48_000, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    assert cost(SimilarityConfig(), 0.1 * first, 0.1 * second) > 0.2
    assert cost(SimilarityConfig(), 0.1 * first, 0.1 * first + 1e-4 * second) < 0.01


def test_what_lies_below_the_floor_of_similarity_is_not_told_apart(speech):
    hiss = noise(speech, 0) * (1e-5 / noise(speech, 0).square().mean().sqrt())  # -100 dB
    assert cost(SimilarityConfig(floor_db=-80.0), 0 * hiss, hiss) < 0.01 < cost(SimilarityConfig(floor_db=-120.0), 0 * hiss, hiss)


def of_powers(loss, reference, estimate, level=1.0):
    """What `loss` says of powers [F, M] in place of waves; `level` is the reference's mean square."""
    loss.filters = torch.eye(len(reference[0]))
    powers = [torch.tensor(power)[None] for power in (reference, estimate)]
    return loss.compare(SimpleNamespace(reference=torch.full((1, 1, 4), level**0.5), powers=lambda window: powers)).item()


@pytest.mark.parametrize("nearly, beyond", [(3e5, 3e3), (1e9, 1e11)])  # times 5 or 0.0003 it is as loud, or is not
def test_a_gain_is_forgiven_within_bounds(nearly, beyond):
    loss, reference = LoudnessConfig(bands=2).build(RATE), [[1e6, 1e6]]
    loss.thresholds = torch.tensor([4.0, 10.0])
    forgiven, counted = (of_powers(loss, reference, [[power, power]], level=10**7.9) for power in (nearly, beyond))
    assert forgiven == 0 < counted


@pytest.mark.parametrize(
    "estimate, counted",
    [
        ([1000.0, 400.0], 0.0),  # masked
        ([1000.0, 900.0], 0.0),  # 1.9 times the power after the gain, to the 1.2 below 3: heard, but not as added
        ([1000.0, 2000.0], 4.53),
        ([1000.0, 20_000.0], 12.0),  # 10.6 times, to the 1.2 17
    ],
)
def test_one_frame_of_loudness_is_what_p_862_says_by_hand(estimate, counted):
    """Powers of two bands at 0 dB SPL = 1 with thresholds 4 and 10: gain, loudness, masking, asymmetry and norms worked out one by one."""
    loss = LoudnessConfig(bands=2).build(RATE)
    reference, loss.thresholds = [1000.0, 420.0], torch.tensor([4.0, 10.0])
    gain = (sum(reference) + 5000) / (sum(estimate) + 5000)
    heard = [gain * power for power in estimate]
    disturbances, factors = [], []
    for threshold, ours, theirs in zip((4, 10), reference, heard, strict=True):
        loudness = [(threshold / 0.5) ** 0.23 * ((0.5 + 0.5 * power / threshold) ** 0.23 - 1) for power in (ours, theirs)]
        disturbances.append(max(0, abs(loudness[1] - loudness[0]) - 0.25 * min(loudness)))
        factor = ((theirs + 50) / (ours + 50)) ** 1.2
        factors.append(0 if factor < 3 else min(12, factor))
    assert factors == [0, pytest.approx(counted, abs=0.01)]
    by_hand = sum(each**2 for each in disturbances) ** 0.5 + 0.067 * sum(map(operator.mul, factors, disturbances))
    assert of_powers(loss, [reference], [estimate], level=10**7.9) == pytest.approx(by_hand, rel=1e-4)


def test_similarity_of_two_patches_is_nsim_with_visqols_window():
    """Its Gaussian is printed in visqol/neurogram_similarity_index_measure.cc; edges repeat."""
    corner, side, centre = 0.011343736558495, 0.083819505802211, 0.619347030557177
    window = np.array([[corner, side, corner], [side, centre, side], [corner, side, corner]])
    x, y = np.array([[10.0, 20, 5], [40, 30, 0], [15, 25, 35]]), np.array([[12.0, 26, 5], [30, 30, 9], [15, 5, 35]])

    def near(levels):
        return np.einsum("ijkl,kl->ij", np.lib.stride_tricks.sliding_window_view(np.pad(levels, 1, mode="edge"), (3, 3)), window)

    variances = [near(levels**2) - near(levels) ** 2 + 1 for levels in (x, y)]
    structure = (near(x * y) - near(x) * near(y) + 1) / np.sqrt(variances[0] * variances[1])
    intensity = (2 * near(x) * near(y) + 1) / (near(x) ** 2 + near(y) ** 2 + 1)
    loss = SimilarityConfig(bands=3).build(RATE)
    powers = [(loss.noise * (10 ** (levels / 10) - 1)).astype(np.float32) for levels in (x, y)]
    assert of_powers(loss, *powers) == pytest.approx(1 - (intensity * structure).mean(), abs=1e-4)
