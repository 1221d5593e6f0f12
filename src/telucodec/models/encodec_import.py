"""EnCodec's trained weights, in the layout of the Hugging Face hub, as a codec of ours: a body, and residual codebooks with their means."""

import json
from pathlib import Path
from typing import Any

import torch

from telucodec.config import parse
from telucodec.errors import ModelError
from telucodec.models.bodies.encodec import EncodecBodyConfig, encodec_of_transformers
from telucodec.models.quantizers.ema_rvq import EmaRVQ, EmaRVQConfig
from telucodec.models.vq_codec import VQCodec, VQCodecConfig

SETTINGS, WEIGHTS = "config.json", "model.safetensors"
REQUIRED = {"model_type": "encodec", "audio_channels": 1, "normalize": False, "use_causal_conv": True, "norm_type": "weight_norm"}
"""What the 24 kHz model is and the 48 kHz one is not."""
RAREST = 0.01
"""Of the mean count; an entry that was never chosen must not be moved to zero by the smoothing of its empty mean."""


def import_encodec(folder: Path) -> VQCodec:
    """The codec in `folder`, which holds config.json and model.safetensors of facebook/encodec_24khz or of one alike.

    Codes of whole frames and their decoded samples are those of `transformers`; a last frame that is not whole ends in silence here,
    in a reflection there. Nothing is fetched from a network. Raises ModelError.
    """
    folder = Path(folder)
    package = encodec_of_transformers()
    if folder.is_file():
        raise ModelError(
            f"{folder}: is a file; pass the folder with {SETTINGS} and {WEIGHTS} of facebook/encodec_24khz (no pickle is read)"
        )
    missing = [name for name in (SETTINGS, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise ModelError(f"{folder}: lacks {' and '.join(missing)}; put both files of facebook/encodec_24khz there")
    model = _load(package.EncodecModel, folder)
    other = [name for name, value in REQUIRED.items() if getattr(model.config, name) != value]
    if other or model.config.trim_right_ratio != 1 or model.config.codebook_dim != model.config.hidden_size:
        raise ModelError(
            f"{folder}: is not EnCodec's causal mono model ({', '.join(other) or 'its layers differ'}); use facebook/encodec_24khz"
        )
    settings = {name: getattr(model.config, name) for name in set(EncodecBodyConfig.model_fields) - {"kind", "latent_dim"}}
    config = VQCodecConfig(
        sample_rate=model.config.sampling_rate,
        body=parse({"latent_dim": model.config.hidden_size} | settings, EncodecBodyConfig, folder / SETTINGS),
        quantizer=EmaRVQConfig(num_codebooks=model.config.num_quantizers, codebook_size=model.config.codebook_size, evenness=0),
    )
    codec = config.build()
    codec.encoder.network.load_state_dict(model.encoder.state_dict())
    codec.decoder.network.load_state_dict(model.decoder.state_dict())
    _take_codebooks(codec.quantizer, [layer.codebook for layer in model.quantizer.layers])
    return codec.eval()


def _load(kind: type, folder: Path) -> Any:
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        named = json.loads((folder / SETTINGS).read_text("utf-8"))["model_type"]
        if named != REQUIRED["model_type"]:
            raise ModelError(f"{folder / SETTINGS}: is of the kind {named!r}, not EnCodec; use facebook/encodec_24khz")
        model, told = kind.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    except ModelError:
        raise
    except Exception as error:  # transformers raises many kinds for files that do not fit
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"{folder}: cannot be read as EnCodec ({reason}); copy its two files again") from error
    lacking = sorted(told["missing_keys"])
    if lacking or told["mismatched_keys"]:
        raise ModelError(f"{folder / WEIGHTS}: its parameters do not fit its settings ({', '.join(lacking[:3])}); copy both files again")
    return model


@torch.no_grad()
def _take_codebooks(quantizer: EmaRVQ, codebooks: list) -> None:
    """Entries as they are, and running means to go on from; counts keep their proportions at a mean of 1, as after our own start."""
    for k, codebook in enumerate(codebooks):
        mean = codebook.cluster_size.mean()
        counts = codebook.cluster_size / mean if mean > 0 else torch.ones_like(codebook.cluster_size)
        quantizer.codebooks[k] = codebook.embed
        quantizer.counts[k] = counts.clamp_min(RAREST)
        quantizer.sums[k] = codebook.embed * quantizer.counts[k][:, None]
