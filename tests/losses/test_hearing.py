"""The two losses after models of hearing: what they leave uncounted, and what they count more."""

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
