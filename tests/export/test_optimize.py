"""What `optimize` writes is checked against what was trained; 8 bits are smaller; what fails leaves nothing behind."""

from pathlib import Path

import pytest
import soundfile
import torch
from small_codecs import codes_model_of, made, small_codec

from telucodec.data.manifest import Segment, read_manifest, write_manifest
from telucodec.errors import ModelError
from telucodec.export import optimize as module
from telucodec.models.vq_codec import VQCodec
from telucodec.runtime.bundle import CODES, load_bundle
from telucodec.training.codes import codes_of, fit_codes
from telucodec.training.validate import listen


@pytest.fixture(scope="module")
def codec(telugu):
    return small_codec("spectral", "rvq-ema", telugu[:, :64_000])


@pytest.fixture(scope="module")
def optimized(codec, telugu, tmp_path_factory):
    folder = tmp_path_factory.mktemp("optimized")
    return folder, made(folder, codec, telugu[:, :32_000], codes_model=codes_model_of(codec, telugu[:, :64_000]))


def test_the_bundle_is_the_trained_codec(optimized):
    folder, found = optimized
    assert found.same_codes > 0.99
    assert found.largest_difference < 1e-4
    assert found.snr_after_db == pytest.approx(found.snr_before_db, abs=0.05)
    assert found.seconds_before > 0 and found.seconds_after > 0
    assert found.kbps_coded < found.kbps_even == pytest.approx(3 * 5 * 50 / 1000)
    assert load_bundle(folder / "bundle").info.kbps[-1] == found.kbps_coded
    assert sorted(path.name for path in folder.iterdir()) == ["bundle", "model"]


def test_eight_bits_are_smaller_and_an_older_model_of_codes_goes(codec, optimized, telugu, monkeypatch):
    folder, found = optimized
    monkeypatch.setattr(module, "MOST_LOST_DB", 50.0)  # nobody trained this codec
    eight = made(folder, codec, telugu[:, :32_000], int8=True)
    graphs = [path for path in (folder / "bundle").iterdir() if path.suffix == ".onnx"]
    assert eight.bytes_after == sum(path.stat().st_size for path in graphs) < found.bytes_after
    assert not (folder / "bundle" / CODES).exists()
    assert eight.kbps_coded == eight.kbps_even


def test_a_bundle_is_written_to_the_working_folder_and_to_no_file(optimized, telugu, tmp_path, monkeypatch):
    model = optimized[0] / "model"
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    module.optimize(model, Path("."), {"telugu": telugu[:, :16_000]})
    assert load_bundle(tmp_path / "here") and [path.name for path in tmp_path.iterdir()] == ["here"]
    with pytest.raises(ModelError, match="is a file"):
        module.optimize(model, next(model.iterdir()), {})


def test_what_differs_or_loses_too_much_is_refused_and_leaves_nothing(codec, telugu, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST_DIFFERENCE", -1.0)
    with pytest.raises(ModelError, match="not the trained codec"):
        made(tmp_path, codec, telugu[:, :16_000])
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_eight_bits_cost_is_not_judged_by_silence(codec, telugu, tmp_path):
    with pytest.raises(ModelError, match="cannot be measured on sounds that are silent"):
        made(tmp_path, codec, 0 * telugu[:, :16_000], int8=True)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_codec_at_another_rate_hears_sound_at_its_own(telugu, tmp_path, monkeypatch):
    config = small_codec("spectral", "rvq-ema", telugu[:, :32_000]).config.model_copy(update={"sample_rate": 24_000})
    codec, sound = config.build().eval(), telugu[:, :16_000]
    padded, heard = VQCodec._padded, []
    monkeypatch.setattr(VQCodec, "_padded", lambda self, wave: heard.append(wave.shape[-1]) or padded(self, wave))
    write_manifest(tmp_path / "train.csv", [Segment("one.flac", 0.0, 1.0, "one.flac", "", 0.1, 0.5, 0.0)])
    soundfile.write(tmp_path / "one.flac", sound[0], 16_000)
    (codes,) = codes_of(codec, read_manifest(tmp_path / "train.csv"), tmp_path)
    found = made(tmp_path, codec, sound, codes_model=fit_codes(codec, [codes], minutes=1, updates=2))
    assert heard == [24_000, 24_000]
    assert found.snr_before_db == pytest.approx(listen(codec, {"speech": sound}).entry()["snr_db"], abs=1e-3)


def test_memory_is_how_long_a_changed_frame_is_heard(codec):
    frames = module.memory(codec)
    # Three frames of the first layer, seven of the block, two of the transform.
    assert frames == 1 + 2 + 6 + 1
    silent = small_codec_without_sound(codec)
    assert module.memory(silent) == 0


def small_codec_without_sound(codec):
    import copy

    silent = copy.deepcopy(codec)
    with torch.no_grad():
        silent.quantizer.codebooks.zero_()
    return silent
