"""Codecs too small to be good at anything, trained for nothing, as the bundles that `optimize` makes of them."""

from pathlib import Path

import numpy as np
import torch

from telucodec.config import parse
from telucodec.export.optimize import Check, optimize
from telucodec.models import bodies, quantizers
from telucodec.models.store import save_codec
from telucodec.models.vq_codec import VQCodec, VQCodecConfig
from telucodec.runtime.codes import CodesModel
from telucodec.training.codes import fit_codes

BODIES = {kind: {"kind": kind} for kind in bodies.BODIES if kind != "encodec"} | {
    "spectral": {"kind": "spectral", "look_ahead": 0, "width": 16, "encoder_blocks": 1, "decoder_blocks": 1, "latent_dim": 8},
    "looking ahead": {"kind": "spectral", "hop": 160, "width": 16, "encoder_blocks": 1, "decoder_blocks": 2, "latent_dim": 8},
    "time-domain": {"kind": "time-domain", "strides": [8, 10], "widths": [8, 80], "latent_dim": 8},
}
QUANTIZERS = {kind: {"kind": kind, "num_codebooks": 3} for kind in quantizers.QUANTIZERS} | {
    "rvq-ema": {"kind": "rvq-ema", "num_codebooks": 3, "codebook_size": 32},
    "rvq-factorised": {"kind": "rvq-factorised", "num_codebooks": 3, "codebook_size": 32, "code_dim": 4},
    "fsq": {"kind": "fsq", "num_codebooks": 3, "levels": [5, 3, 3]},
}


def small_codec(body: str, quantizer: str, speech: np.ndarray) -> VQCodec:
    """A codec whose codebooks lie where the latents of `speech` [1, T] are."""
    torch.manual_seed(0)
    codec = parse({"body": BODIES[body], "quantizer": QUANTIZERS[quantizer]}, VQCodecConfig, "small").build().eval()
    with torch.no_grad():
        wave = torch.from_numpy(speech[None, :, : speech.shape[-1] // codec.hop * codec.hop])
        codec.quantizer.initialise(codec.encoder(wave)[0].T)
    return codec


def codes_model_of(codec: VQCodec, speech: np.ndarray) -> CodesModel:
    """A model of the codes of `speech` [1, T] that learnt a little."""
    with torch.no_grad():
        codes = codec.encode(torch.from_numpy(speech)[None])[0].numpy()
    return fit_codes(codec, [codes], minutes=1, updates=12)


def made(folder: Path, codec: VQCodec, speech: np.ndarray, int8: bool = False, codes_model: CodesModel | None = None) -> Check:
    """Write the bundle of `codec` to `folder`/bundle, its trained model to `folder`/model."""
    save_codec(codec, folder / "model")
    return optimize(folder / "model", folder / "bundle", {"speech": speech}, int8, codes_model)


def small_encodec(folder: Path):
    """Save a small EnCodec with random parameters to `folder` as its real weights are, and return it: 75 frames a second, 8 codes of 4 bits each."""
    import transformers

    torch.manual_seed(0)
    settings = transformers.EncodecConfig(hidden_size=16, num_filters=4, codebook_size=16, target_bandwidths=[0.6, 2.4])
    model = transformers.EncodecModel(settings).eval()
    for layer in model.quantizer.layers:
        book = layer.codebook
        book.embed.copy_(0.1 * torch.randn_like(book.embed))
        book.cluster_size.copy_(torch.rand(16))
        book.embed_avg.copy_(book.embed * book.cluster_size[:, None])
    model.save_pretrained(folder)
    return model
