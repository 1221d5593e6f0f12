"""A small EnCodec with random parameters, saved as its real weights are, is taken further as a codec of ours."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from lightning_fabric import Fabric
from small_codecs import small_encodec
from typer.testing import CliRunner

from telucodec.cli.main import app
from telucodec.data.manifest import Segment, write_manifest
from telucodec.errors import ConfigError, ModelError
from telucodec.evaluation.under_test import under_test
from telucodec.export.optimize import optimize
from telucodec.models.encodec_import import import_encodec
from telucodec.models.store import load_codec_module, save_codec
from telucodec.training.launch import Request, run
from telucodec.training.recipe import recipe_of
from telucodec.training.trainer import Trainer
from telucodec.training.validate import listen

transformers = pytest.importorskip("transformers")

HOP = 320
LITTLE, ALL = 0.6, 2.4
"""kbps of two and of all eight codebooks: 75 frames a second with 4 bits for each."""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folder with config.json and model.safetensors, and the model they are of."""
    folder = tmp_path_factory.mktemp("encodec")
    return folder, small_encodec(folder)


def speech(telugu):
    """One second as if at 24 kHz, [1, 1, 75 hops]."""
    return torch.from_numpy(telugu[:, 8000 : 8000 + 75 * HOP])[None]


@torch.no_grad()
def test_codes_and_samples_are_those_of_transformers_at_every_rate(saved, telugu):
    """In float64, where no two entries are as near as rounding."""
    codec, model, wave = import_encodec(saved[0]).double(), saved[1].double(), speech(telugu).double()
    for kbps, count in ((LITTLE, 2), (ALL, 8)):
        codes, scales, _ = model.encode(wave, bandwidth=kbps, return_dict=False)
        assert torch.equal((codec.quantizer.encode(codec.encoder.network(wave)))[:, :count], codes[0])
        sent = torch.nn.functional.pad(codes[0], (0, 0, 0, 8 - count), value=codec.quantizer.codebook_size)
        decoded = codec.decoder.network(codec.quantizer.decode(sent))
        torch.testing.assert_close(decoded, model.decode(codes, scales, return_dict=False)[0])
    model.float()
    assert len(torch.unique(codes)) > 4 and float(decoded.std()) > 0


def test_rates_are_those_of_the_original(saved):
    config = import_encodec(saved[0]).config
    assert (config.sample_rate, config.frame_rate, config.kbps, config.kbps / 4) == (24_000, 75, ALL, LITTLE)


def test_what_is_kept_is_what_was_imported(saved, telugu, tmp_path):
    codec = import_encodec(saved[0])
    save_codec(codec, tmp_path)
    again = load_codec_module(tmp_path)
    assert again.config == codec.config
    with torch.no_grad():
        assert torch.equal(again(speech(telugu))[0], codec(speech(telugu))[0])


@pytest.mark.parametrize("frozen", [True, False])
def test_fine_tuning_lowers_the_loss_and_leaves_a_frozen_encoder_bit_for_bit(saved, telugu, frozen):
    recipe = recipe_of("finetune-decoder" if frozen else "finetune")
    codec = import_encodec(saved[0])
    before = {name: tensor.clone() for name, tensor in codec.state_dict().items()}
    trainer = Trainer(codec, recipe, Fabric(accelerator="cpu", devices=1))
    batch = telugu[:, 8000 : 8000 + 4 * 24 * HOP].reshape(4, 1, -1)
    losses = []
    for number in range(15):
        told = trainer.update(batch, number / 15)
        losses.append(sum(recipe.loss.weights()[name] * told[name] for name in recipe.loss.weights()))
    assert np.mean(losses[-3:]) < 0.98 * np.mean(losses[:3])
    for state in (trainer.plain.state_dict(), trainer.average.state_dict()):
        moved = {name.split(".")[0] for name, tensor in state.items() if not torch.equal(tensor, before[name])}
        assert moved == ({"decoder"} if frozen else {"encoder", "decoder", "quantizer"})


def test_a_run_starts_from_it_by_its_name_and_keeps_a_model_at_its_rate(saved, telugu, tmp_path):
    soundfile.write(tmp_path / "one.flac", telugu[0, :48_000], 16_000)
    for part in ("train", "val"):
        write_manifest(tmp_path / f"{part}.csv", [Segment("one.flac", 0.0, 3.0, "one.flac", "", 0.1, 0.5, 0.0)])
    asked = {"preset": None, "minutes": None, "epochs": None, "name": None, "resume": None, "wandb": False, "command": "", "gates": False}
    request = Request(
        data=tmp_path,
        recipe="finetune",
        updates=2,
        changes={"batch_size": 2},
        runs=tmp_path / "runs",
        start=f"encodec:{saved[0]}",
        processes=1,
        precision="32",
        **asked,
    )
    said = []
    folder, outcome = run(request, said.append, lambda done, total, name: None)
    assert any("measured by `telucodec evaluate`" in line and "6 dB at 6 kbps" in line for line in said)
    begun, kept = load_codec_module(folder / "start"), load_codec_module(folder / "model")
    imported = import_encodec(saved[0])
    assert all(torch.equal(tensor, imported.state_dict()[name]) for name, tensor in begun.state_dict().items())
    assert any(not torch.equal(tensor, begun.state_dict()[name]) for name, tensor in kept.state_dict().items())
    assert kept.config.sample_rate == 24_000
    assert outcome.heard_hours == pytest.approx(2 * 2 * 1.2 / 3600)
    after, before = under_test([str(folder), f"encodec:{saved[0]}"], [ALL])
    assert (after.name, before.name) == (f"finetune-from-{saved[0].name}_codes_2.4", "encodec_codes_2.4")
    assert after.model != before.model
    with pytest.raises(ConfigError, match="brings its own codec"):
        run(replace(request, preset="nano-time"), lambda line: None, lambda done, total, name: None)


def test_sound_at_16_khz_is_measured_at_16_khz(saved, telugu):
    heard = listen(import_encodec(saved[0]), {"one": telugu[:, :20_001]})
    assert heard.estimates["one"].shape == (20_001,)
    assert heard.pairs[0].reference.num_samples == 20_001
    assert heard.kbps == pytest.approx(ALL)


def test_a_rarely_used_entry_stays_where_it_was(saved, tmp_path):
    """Means of entries that were hardly chosen are nearly empty; going on from them must not throw the entry to zero."""
    folder = tmp_path / "rare"
    model = transformers.EncodecModel.from_pretrained(saved[0])
    book = model.quantizer.layers[0].codebook
    book.cluster_size[3], book.embed_avg[3] = 0.0, 0.0
    model.save_pretrained(folder)
    quantizer = import_encodec(folder).quantizer.train()
    entry = quantizer.codebooks[0, 3].clone()
    quantizer(10 + torch.randn(2, 16, 50))  # far from it
    torch.testing.assert_close(quantizer.codebooks[0, 3], entry, rtol=2e-3, atol=1e-4)


def test_what_cannot_be_used_is_said(saved, tmp_path):
    with pytest.raises(ModelError, match=r"lacks config.json and model.safetensors; put both"):
        import_encodec(tmp_path)
    with pytest.raises(ModelError, match="lacks"):
        import_encodec(tmp_path / "nowhere")
    (tmp_path / "encodec_24khz-d7cc33bc.th").write_bytes(b"a pickle")
    with pytest.raises(ModelError, match="is a file; pass the folder with config.json and model.safetensors"):
        import_encodec(tmp_path / "encodec_24khz-d7cc33bc.th")

    def changed(name, **changes):
        folder = tmp_path / name
        shutil.copytree(saved[0], folder)
        settings = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(settings | changes))
        return folder

    with pytest.raises(ModelError, match="of the kind 'mimi'"):
        import_encodec(changed("other", model_type="mimi"))
    with pytest.raises(ModelError, match=r"causal mono model \(normalize\)"):
        import_encodec(changed("loud", normalize=True))
    with pytest.raises(ModelError, match="copy"):
        import_encodec(changed("deep", num_residual_layers=2))
    with pytest.raises(ConfigError, match="pad_mode"):
        import_encodec(changed("round", pad_mode="circular"))
    broken = changed("broken")
    (broken / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ModelError, match="cannot be read as EnCodec"):
        import_encodec(broken)


def test_no_bundle_is_made_of_it_and_the_reason_is_said(saved, tmp_path):
    save_codec(import_encodec(saved[0]), tmp_path / "model")
    with pytest.raises(ModelError, match="not written as ONNX"):
        optimize(tmp_path / "model", tmp_path / "bundle", {})
    told = CliRunner().invoke(app, ["optimize", str(tmp_path), "--data", str(tmp_path / "nowhere")]).exception
    assert isinstance(told, ModelError) and f"telucodec evaluate --model {tmp_path}" in str(told)
    assert not (tmp_path / "bundle").exists()
