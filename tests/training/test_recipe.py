"""Recipes that cannot be followed are refused where they are read, in one line."""

import numpy as np
import pytest
from tiny import tiny

from telucodec.audio.sound_file import write_audio
from telucodec.data.manifest import Segment
from telucodec.errors import ConfigError
from telucodec.training.launch import crop_samples, validation_sounds
from telucodec.training.recipe import recipe_of, shipped

LOSS = '[loss.terms.mel]\nweight = 1.0\nloss = { kind = "mel" }\n'


@pytest.mark.parametrize("name", shipped("recipes"))
def test_recipes_that_ship_are_read_and_say_what_they_are_for(name):
    assert recipe_of(name).description


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("seed = -1\n" + LOSS, "seed"),
        (LOSS + "[optimiser]\nbetas = [1.0, 2.0]", "optimiser.betas"),
        (LOSS + "[batches]\ncrop_s = 0.02", "crop_s"),
        (LOSS + '[adversarial]\ndiscriminators = { members = [{ kind = "band_stft", splits = [0.5, 0.1] }] }', "let them rise"),
        (LOSS + "lernrate = 3", "lernrate"),
        (LOSS.replace("terms.mel", "terms.correlation"), "loss: .*called correlation"),
    ],
)
def test_settings_out_of_range_are_named(tmp_path, settings, words):
    (tmp_path / "mine.toml").write_text(settings)
    with pytest.raises(ConfigError, match=f"mine.toml.*{words}") as told:
        recipe_of(str(tmp_path / "mine.toml"))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("value", ["", 5000 * "9", 100_000 * "["], ids=["none", "long", "deep"])
def test_settings_that_are_no_toml_are_one_line(tmp_path, value):
    (tmp_path / "mine.toml").write_text(f"seed = {value}\n")
    with pytest.raises(ConfigError, match="mine.toml: is not TOML.*mend that line") as told:
        recipe_of(str(tmp_path / "mine.toml"))
    assert "\n" not in str(told.value)


def test_freezing_the_encoder_is_all_that_the_two_recipes_for_trained_codecs_differ_in():
    both, decoder = (recipe_of(name) for name in ("finetune", "finetune-decoder"))
    assert both.continues and not both.freeze_encoder
    assert decoder == both.model_copy(update={"freeze_encoder": True, "description": decoder.description})


def test_a_crop_shorter_than_the_delay_of_its_codec_is_refused():
    config = tiny(batches={"crop_s": 0.1})
    assert crop_samples(config) == 1600
    slow = config.model.model_copy(update={"body": config.model.body.model_copy(update={"look_ahead": 8})})
    with pytest.raises(ConfigError, match="crop_s.*0.22 s or more"):
        crop_samples(config.model_copy(update={"model": slow}))


def test_every_row_is_validated_with_also_where_recordings_share_a_name(tmp_path):
    rows = [Segment(f"{who}.flac", 0.0, 0.1, "001.flac", who, 0.1, 0.5, 0.0) for who in ("kavya", "ravi")]
    for level, row in zip((0.25, 0.5), rows, strict=True):
        write_audio(tmp_path / row.path, np.full((1, 1600), level, np.float32), 16_000)
    sounds = validation_sounds(rows, tmp_path)
    assert [float(sound[0, 0]) for sound in sounds.values()] == [0.25, 0.5]
