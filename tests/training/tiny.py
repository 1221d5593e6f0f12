"""A codec small enough to train in a test, real speech for it, and a run of it."""

from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from telucodec.audio.media import read_media
from telucodec.config import parse
from telucodec.data.batches import Crops
from telucodec.models.vq_codec import VQCodecConfig
from telucodec.training.recipe import RecipeConfig, RunConfig, recipe_of

SPEECH = Path(__file__).parents[2] / "examples" / "speech"
BODIES = {
    "spectral": {"kind": "spectral", "width": 48, "encoder_blocks": 1, "decoder_blocks": 1, "latent_dim": 16},
    "time-domain": {"kind": "time-domain", "strides": [4, 8, 10], "widths": [8, 12, 16], "lapped": False, "latent_dim": 16},
}
QUANTIZER = {"kind": "rvq-ema", "num_codebooks": 3, "codebook_size": 32}


def tiny(body: str = "spectral", quantizer: dict = QUANTIZER, recipe: str = "perceptual", **changes: object) -> RunConfig:
    """Settings of a tiny codec; `changes` are to the recipe."""
    model = parse({"body": BODIES[body], "quantizer": quantizer}, VQCodecConfig, "tiny")
    settings = recipe_of(recipe).model_dump() | {"batches": {"batch_size": 4, "crop_s": 0.4}}
    settings["optimiser"]["warmup_updates"] = 10
    return RunConfig(recipe=RecipeConfig.model_validate(settings | changes), model=model)


def speech_crops(config: RunConfig, batch_size: int | None = None) -> Crops:
    """Crops of real German speech."""
    samples = np.concatenate([read_media(path)[0] for path in sorted((SPEECH / "kerstin").glob("*"))[:3]])
    batches = config.recipe.batches
    size = round(batches.crop_s * config.model.sample_rate) // config.model.body.hop * config.model.body.hop
    pcm = np.rint(samples * 32767).astype(np.int16)
    return Crops(pcm, np.array([len(pcm)]), size, batch_size or batches.batch_size, config.recipe.seed)


def on_cpu() -> Fabric:
    return Fabric(accelerator="cpu", devices=1, precision="32-true")


def built(config: RunConfig) -> torch.nn.Module:
    torch.manual_seed(config.recipe.seed)
    return config.model.build()
