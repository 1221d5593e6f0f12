"""A model's weighting of steps by frequency: in natural mode alone, finer where it is negative."""

from dataclasses import replace

import numpy as np
import pytest

from telucodec.audio.mdct import whole_mdct
from telucodec.bitstream.container import HEADER_BYTES
from telucodec.runtime.model import HOP, TransformModel, load_model
from telucodec.runtime.transform import TransformCodec
from telucodec.training.shaping import usual_shaping


@pytest.fixture(scope="module")
def codecs() -> tuple[TransformCodec, TransformCodec]:
    """Without and with the usual weighting."""
    model = load_model()

    def weighing(weighting: np.ndarray) -> TransformModel:
        return replace(model, shaping=replace(model.shaping, weighting=weighting))

    return TransformCodec(weighing(np.zeros(HOP, np.float32))), TransformCodec(weighing(usual_shaping().weighting))


def noise_db(codec, wave):
    """Level of the error [HOP], by frequency, of natural mode at 6 kbps."""
    error = whole_mdct(codec.decode(codec.encode(wave, kbps=6))[0] - wave[0], HOP)
    return 10 * np.log10((error**2).mean(axis=0) + 1e-12)


def test_noise_moves_to_where_critical_bands_are_wide(codecs, telugu):
    even, weighed = (noise_db(codec, telugu) for codec in codecs)
    change = weighed - even
    assert change[4:16].mean() < -1.5  # 100 to 400 Hz
    assert change[80:160].mean() > 0.3  # 2 to 4 kHz


def test_fidelity_mode_is_not_weighed(codecs, telugu):
    even, weighed = (codec.encode(telugu, quality=24, mode="fidelity")[HEADER_BYTES:] for codec in codecs)
    assert even == weighed


def test_a_model_keeps_its_weighting(codecs, tmp_path):
    for codec in codecs:
        codec.model.save(tmp_path / "transform.safetensors")
        np.testing.assert_array_equal(load_model(tmp_path).shaping.weighting, codec.model.shaping.weighting)
