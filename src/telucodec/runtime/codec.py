"""The codec in a folder, of whichever family: both encode and decode, whole or in windows, with the same calls."""

from pathlib import Path

from telucodec.runtime.bundle import FILE_NAME, load_bundle
from telucodec.runtime.model import load_model
from telucodec.runtime.synthesis import load_syntheses
from telucodec.runtime.transform import TransformCodec
from telucodec.runtime.vq import CodesCodec

Codec = TransformCodec | CodesCodec


def load_codec(path: Path | None = None) -> Codec:
    """The codec of the model in the file or folder `path`, or of the shipped model. Raises ModelError."""
    if path is not None and (Path(path) / FILE_NAME).exists():
        return CodesCodec(load_bundle(path))
    return TransformCodec(load_model(path), load_syntheses(path))
