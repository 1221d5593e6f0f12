import numpy as np
import pytest

from telucodec.runtime.context import (
    COEFFICIENT_PASSES,
    EDGE,
    LEVEL_PASSES,
    CoefficientContext,
    Layers,
    Planes,
    slow_average,
    window_sums,
)
from telucodec.runtime.envelope import BANDS
from telucodec.runtime.model import HOP


@pytest.mark.parametrize(("passes", "width"), [(COEFFICIENT_PASSES, HOP), (LEVEL_PASSES, BANDS)])
def test_passes_decode_every_position_once_and_look_only_at_earlier_ones(passes, width):
    known: set[int] = set()
    for plan in passes:
        places = range(width)[plan.positions]
        for place in places:
            seen = {place + offset for offset in plan.offsets} & set(range(width))
            assert seen <= known
        assert not known & set(places)
        known |= set(places)
        assert max(map(abs, plan.offsets), default=0) <= EDGE
    assert known == set(range(width))


def test_planes_are_zero_outside():
    planes = Planes(2, 3, 8)
    planes[1][:] = np.arange(1, 9)
    planes[1][2] *= 10
    found = planes.seen(np.array([[1, 1, 0], [-2, 3, 0]]), np.array([0, 2, 2]), np.array([2, 2, 6]))
    np.testing.assert_array_equal(found, [[1, 10, 50], [6, 60, 0], [0, 0, 0]])


def test_a_place_sees_what_was_and_what_is_known_so_far():
    rng, plan = np.random.default_rng(0), COEFFICIENT_PASSES[1]
    codes = rng.integers(0, 100, (3, 2, 40)).astype(np.float32)
    relative = rng.integers(-100, 100, (2, 2, HOP)).astype(np.float32)
    context = CoefficientContext(2, HOP)
    context.begin(codes[0], codes[1], 8 * codes[2] + 5, *relative)
    context.known[:, :40:4] = known = codes[0, :, ::4]
    assert context.begin_pass(plan) is None
    features = context.features(np.array([1]), np.array([18]), plan)[:, 0].tolist()
    was = [*codes[0, 1, 14:23], *codes[1, 1, 16:21], *codes[2, 1, 16:21]]
    around = np.floor(codes[0, 1, 2:35].sum() / 16), np.floor(codes[0, 1].sum() / 16)
    levels = [*relative[0, 1, [10, 18, 26]], relative[1, 1, 18]]
    now = [*known[1, [3, 4, 5, 6]], np.floor(known[1, 1:9].sum() / 16)]
    assert features == [*was, *np.minimum(around, 127), *levels, *np.minimum(now, 127)]
    context.begin(codes[1], codes[0], codes[2], *relative)
    assert not context.known.any()


def test_window_sums_count_what_is_near():
    values = np.random.randint(0, 100, (3, 50)).astype(np.float32)
    brute = [[row[max(0, i - 16) : i + 17].sum() for i in range(50)] for row in values]
    np.testing.assert_array_equal(window_sums(values, 16), brute)


def test_slow_average_stays_an_integer_and_settles_at_the_input():
    slow = np.zeros(4, np.float32)
    for _ in range(60):
        slow = slow_average(slow, np.float32([0, 16, 55, 112]))
        assert (slow == np.floor(slow)).all()
    assert np.abs(slow / 8 - [0, 16, 55, 112]).max() < 0.5


def test_sums_are_exact_in_any_order_of_addition():
    def drawn(*shape, low=-127, high=128):
        return np.random.randint(low, high, shape).astype(np.float32)

    layers = Layers(drawn(60, 64), drawn(80, 64), drawn(64, 64), drawn(64), drawn(64, 1), drawn(1))
    features = drawn(60, 2, 80)
    expected = layers(features)
    order = np.random.permutation(60)
    shuffled = Layers(layers.first[order], layers.bias, layers.second, layers.second_bias, layers.last, layers.last_bias)
    np.testing.assert_array_equal(shuffled(features[order]), expected)
    exact = np.clip(
        (np.moveaxis(features, 0, -1).astype(np.int64) @ layers.first.astype(np.int64) + layers.bias.astype(np.int64)) >> 6, 0, 127
    )
    exact = np.clip((exact @ layers.second.astype(np.int64) + layers.second_bias.astype(np.int64)) >> 6, 0, 127)
    np.testing.assert_array_equal((exact @ layers.last.astype(np.int64) + layers.last_bias.astype(np.int64))[..., 0], expected[0])
