from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from telucodec.errors import ModelError
from telucodec.runtime.model import ALL_SENT, BIT_ROW, FORMAT, HOP, SHIPPED, load_model


@pytest.fixture
def tensors():
    return load(SHIPPED.read_bytes())


def changed(name, value):
    return lambda tensors: tensors | {name: value(tensors[name])}


def spoilt(array, value):
    array = array.copy()
    array.flat[0] = value
    return array


def without_a_symbol(frequencies):
    """The same sums, but one symbol of the first row that cannot be coded."""
    frequencies = frequencies.copy()
    frequencies[0, 1] += frequencies[0, 0]
    frequencies[0, 0] = 0
    return frequencies


def widened(tensors, name, hidden):
    """The networks `name` with so many hidden units, the new ones without weights."""
    units = tensors[f"{name}.0.second_bias"].shape[0]
    return {
        key: np.pad(array, [(0, hidden - units if size == units else 0) for size in array.shape]) if key.startswith(f"{name}.") else array
        for key, array in tensors.items()
    }


def test_a_model_comes_back_with_its_identity(tmp_path):
    model = load_model()
    model.save(tmp_path / "transform.safetensors")
    assert load_model(tmp_path).identity == model.identity
    assert (tmp_path / "transform.safetensors").read_bytes() == SHIPPED.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        changed("fidelity.0.first", lambda array: array.astype(np.int32) + 256),
        changed("fidelity.0.first", lambda array: array[:-1]),
        changed("natural.1.bias", lambda array: spoilt(array, 2**31 - 1)),
        changed("levels.0.second_bias", lambda array: np.array(3, np.int32)),
        changed("frequencies", lambda array: spoilt(array, 0)),
        changed("frequencies", without_a_symbol),
        changed("frequencies", lambda array: array.astype(np.float64)),
        changed("frequencies", lambda array: np.array(7, np.int32)),
        changed("noise", lambda array: spoilt(array, np.nan)),
        changed("noise", lambda array: spoilt(array, 3e38)),
        changed("natural signs.3.first", lambda array: array[:-1]),
        changed("frequencies", lambda array: array[: BIT_ROW + 1]),
        changed("least_sent", lambda array: array.astype(np.int32)),
        lambda tensors: tensors | {"least_sent": np.int8([ALL_SENT])},
        changed("weighting", lambda array: array[:-1]),
        lambda tensors: tensors | {"weighting": np.zeros(HOP, np.int8)},
        lambda tensors: {name: array for name, array in tensors.items() if not name.startswith("fidelity signs")},
        lambda tensors: tensors | {"more": np.zeros(3)},
        lambda tensors: {name: array for name, array in tensors.items() if name != "centroids"},
    ],
)
def test_anything_but_a_whole_model_is_refused(tensors, tmp_path, change):
    path = tmp_path / "transform.safetensors"
    path.write_bytes(save(change(tensors), metadata={"format": FORMAT}))
    with pytest.raises(ModelError, match="not a telucodec transform model"):
        load_model(path)


def test_no_network_has_more_hidden_units_than_keep_its_sums_exact(tensors, tmp_path):
    path = tmp_path / "transform.safetensors"
    path.write_bytes(save(widened(tensors, "levels", 256), metadata={"format": FORMAT}))
    load_model(path)
    path.write_bytes(save(widened(tensors, "levels", 257), metadata={"format": FORMAT}))
    with pytest.raises(ModelError, match="levels has 257 hidden units, more than 256"):
        load_model(path)


def test_a_model_from_before_signs_were_predicted_is_whole(golden_model):
    assert golden_model.signs("natural") is None
    assert load_model().signs("natural")
    assert len(golden_model.frequencies) == BIT_ROW + 1 < len(load_model().frequencies)


def test_a_model_of_one_quantiser_is_whole():
    one = load_model(Path(__file__).parents[1] / "golden" / "signs")
    assert one.signs("fidelity") and not one.dependent("fidelity")
    assert load_model().dependent("fidelity") and not load_model().dependent("natural")
    assert len(one.centroids) < len(load_model().centroids)


def test_a_model_that_sends_all_coefficients_is_whole():
    turns = load_model(Path(__file__).parents[1] / "golden" / "turns")
    assert turns.dependent("fidelity") and turns.shaping.least_sent == ALL_SENT < load_model().shaping.least_sent
