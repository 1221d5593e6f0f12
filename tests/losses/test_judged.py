"""Losses that discriminators give: adversarial and feature matching."""

import pytest
import torch

from telucodec.losses.adversarial import discriminator_hinge, generator_hinge
from telucodec.losses.feature_matching import feature_matching


def test_hinge_is_two_at_the_start_and_nothing_when_sure_and_right():
    blind, yes, no = [torch.zeros(2, 1, 5)], [torch.ones(2, 1, 5)], [-torch.ones(2, 1, 5)]
    assert discriminator_hinge(blind, blind) == 2
    assert discriminator_hinge(yes, no) == 0
    assert discriminator_hinge(no, yes) == 4
    assert generator_hinge(yes) == 0
    assert generator_hinge(no) == 2
    assert generator_hinge([torch.tensor([5.0])]) == 0  # surer than sure wins nothing more


def test_judges_count_alike_whatever_their_size():
    small, large = torch.full((1, 1, 2), 0.5), torch.full((1, 1, 2000), -0.5)
    assert generator_hinge([small, large]) == 1
    assert discriminator_hinge([small, large], [-small, -large]) == 2


def test_generator_is_pulled_up_and_discriminator_pushes_down():
    logits = torch.zeros(2, 1, 5, requires_grad=True)
    (up,) = torch.autograd.grad(generator_hinge([logits]), logits)
    (down,) = torch.autograd.grad(discriminator_hinge([torch.zeros(2, 1, 5)], [logits]), logits)
    assert (up < 0).all()
    assert (down > 0).all()


def test_feature_matching_is_relative_to_the_real_features_and_averaged():
    real = [[torch.full((2, 3), 2.0), torch.full((4, 50), 10.0)], [torch.full((7,), -1.0)]]
    made = [[torch.full((2, 3), 1.0), torch.full((4, 50), 10.0)], [torch.full((7,), -1.25)]]
    assert feature_matching(real, made).item() == pytest.approx(((0.5 + 0) / 2 + 0.25) / 2)
    scaled = [[1000 * layer for layer in layers] for layers in real], [[1000 * layer for layer in layers] for layers in made]
    torch.testing.assert_close(feature_matching(*scaled), feature_matching(real, made))
    assert feature_matching(real, real) == 0


def test_judges_count_alike_in_feature_matching_however_many_layers_they_have():
    real, near, far = torch.full((2, 3), 2.0), torch.full((2, 3), 1.8), torch.full((2, 3), 1.0)
    assert feature_matching([[real], [real] * 25], [[far], [near] * 25]).item() == pytest.approx((0.5 + 0.1) / 2)


def test_feature_matching_pulls_at_what_was_made_alone_and_stays_finite_where_nothing_is_seen():
    real, made = torch.zeros(3, 4, requires_grad=True), torch.ones(3, 4, requires_grad=True)
    value = feature_matching([[real]], [[made]])
    value.backward()
    assert torch.isfinite(value)
    assert real.grad is None
    assert (made.grad > 0).all()
