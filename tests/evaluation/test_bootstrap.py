"""Intervals of means hold what they promise, for few values too."""

import math

import numpy as np
import pytest
from scipy.stats import norm, t

from telucodec.evaluation.bootstrap import FEWEST, _tail, bootstrap_interval


@pytest.mark.parametrize("count", [5, 6, 8, 12, 24])
def test_the_true_mean_lies_within_in_at_least_89_of_100_draws(count):
    draws = np.random.default_rng(count).normal(60, 12, (400, count))
    ends = [bootstrap_interval(values) for values in draws]
    assert np.mean([low.value <= 60 <= high.value for low, high in ends]) > 0.89


@pytest.mark.parametrize("count", [5, 9, 24, 400])
def test_tails_are_those_of_student_for_a_standard_error_that_is_taken_too_small(count):
    assert _tail(count) == pytest.approx(norm.cdf(-math.sqrt(count / (count - 1)) * t.ppf(0.975, count - 1)), rel=0.03)


def test_the_interval_of_many_is_that_of_the_normal_distribution():
    values = np.random.default_rng(5).normal(60, 12, 400)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert (low.value, high.value) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.1 * half)


def test_an_interval_stays_within_the_scale_of_its_values():
    low, high = bootstrap_interval(np.array([0.0, 100.0, 100.0, 100.0, 100.0]))
    assert 0 <= low.value < high.value <= 100


def test_values_that_agree_have_an_interval_of_no_width():
    low, high = bootstrap_interval(np.full(7, 42.0))
    assert (low.value, high.value) == pytest.approx((42, 42))


@pytest.mark.parametrize("count", range(FEWEST))
def test_few_values_have_no_interval_rather_than_a_narrow_one(count):
    low, high = bootstrap_interval(np.full(count, 50.0))
    assert math.isnan(low.value) and math.isnan(high.value) and f"not {count}" in low.reason
