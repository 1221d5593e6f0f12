"""The integer model of codes: payloads come back, packets side by side do not touch, all sums stay where float32 is exact."""

import dataclasses

import numpy as np
import pytest
from safetensors.numpy import save

from telucodec.errors import BitstreamError, ModelError
from telucodec.runtime.codes import CodesCoder, CodesModel, weights_by_distance

COUNT, SIZE, HIDDEN = 4, 20, 8


def model(extreme=False, hidden=HIDDEN, count=COUNT, size=SIZE):
    rng = np.random.default_rng(0)

    def small(*shape):
        return (127 * np.sign(rng.normal(size=shape)) if extreme else rng.integers(-127, 128, shape)).astype(np.int8)

    return CodesModel(
        small(3, count, size + 1, hidden),
        rng.integers(-200, 200, (count, hidden)).astype(np.int32),
        small(count, hidden, hidden),
        rng.integers(-9000, 9000, (count, hidden)).astype(np.int32),
        small(count, hidden, size),
        rng.integers(-9000, 9000, (count, size)).astype(np.int32),
    )


def packets(*counts, sent=COUNT):
    rng = np.random.default_rng(1)
    return [rng.integers(0, SIZE, (frames, sent)) for frames in counts]


@pytest.mark.parametrize("sent", [1, 2, COUNT])
def test_codes_come_back_side_by_side_and_alone(sent):
    coder, sounds = CodesCoder(model()), packets(60, 1, 25, 60, 26, sent=sent)
    payloads = [coder.encode(codes) for codes in sounds]
    for codes, decoded in zip(sounds, coder.decode(payloads, [len(codes) for codes in sounds], sent), strict=True):
        np.testing.assert_array_equal(decoded, codes)
    np.testing.assert_array_equal(coder.decode(payloads[2:3], [25], sent)[0], sounds[2])
    assert coder.decode([], [], sent) == []


def test_a_packet_says_nothing_of_the_next():
    coder = CodesCoder(model())
    first, second = packets(30, 30)
    assert coder.encode(second) == CodesCoder(model()).encode(second)
    payloads = [coder.encode(first), coder.encode(second)]
    np.testing.assert_array_equal(coder.decode([b"\x17" * 40, payloads[1]], [30, 30], COUNT)[1], second)


def test_sums_stay_whole_numbers_below_two_to_the_24_even_with_the_largest_weights():
    seen = []

    def product(left, right):
        result = left @ right
        exact = left.astype(np.int64) @ right.astype(np.int64)
        seen.append(np.abs(exact).max())
        np.testing.assert_array_equal(result.astype(np.int64), exact)
        return result

    coder = CodesCoder(model(extreme=True, hidden=256), product)
    (codes,) = packets(40)
    np.testing.assert_array_equal(coder.decode([coder.encode(codes)], [40], COUNT)[0], codes)
    assert max(seen) + (1 << 21) < 1 << 24


@pytest.mark.parametrize("size", [2, 15, 625, 1024, 4096])
def test_weights_halve_every_bit_and_their_sum_is_exact_in_float32(size):
    weights = weights_by_distance(size)
    assert weights[0] * size <= 1 << 24
    assert weights[-1] == 1
    assert (weights == np.round(weights)).all()
    assert (np.diff(weights) <= 0).all()
    np.testing.assert_array_equal(weights[::16][:5], weights[0] / 2.0 ** np.arange(5))
    np.testing.assert_allclose(weights[:60], weights[0] * 2.0 ** (-np.arange(60) / 16), atol=1)


def test_payloads_without_an_encoder_decode_to_codes_or_say_that_they_do_not():
    coder, rng = CodesCoder(model()), np.random.default_rng(2)
    for size in (0, 1, 4, 100, 5000):
        for result in coder.decode([rng.bytes(size) for _ in range(5)], [30] * 5, COUNT):
            assert isinstance(result, BitstreamError) or (result.shape == (30, COUNT) and 0 <= result.min() and result.max() < SIZE)


def test_a_stored_model_is_the_same_model():
    content = model().to_bytes()
    loaded = CodesModel.from_bytes(content, COUNT, SIZE, "here")
    assert loaded.to_bytes() == content
    (codes,) = packets(20)
    assert CodesCoder(loaded).encode(codes) == CodesCoder(model()).encode(codes)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense" * 50,
        model(size=SIZE + 1).to_bytes(),
        model(count=COUNT + 1).to_bytes(),
        model(hidden=257).to_bytes(),
        dataclasses.replace(model(), bias=np.full((COUNT, HIDDEN), 1 << 22, np.int32)).to_bytes(),
        dataclasses.replace(model(), bias=np.full((COUNT, HIDDEN), -(1 << 31), np.int32)).to_bytes(),
        dataclasses.replace(model(), bias=np.zeros((COUNT, HIDDEN), np.float32)).to_bytes(),
        dataclasses.replace(model(), bias=np.zeros((), np.int32)).to_bytes(),
        save(dataclasses.asdict(model()), metadata={"format": "telucodec codes 2"}),
        save(dataclasses.asdict(model())),
        save(dataclasses.asdict(model()) | {"more": np.zeros(1)}, metadata={"format": "telucodec codes 1"}),
    ],
)
def test_what_is_no_model_of_these_codes_is_told(content):
    with pytest.raises(ModelError, match="^here: is no model of codes") as told:
        CodesModel.from_bytes(content, COUNT, SIZE, "here")
    assert "\n" not in str(told.value)
