"""The codec in a folder, of whichever family: both encode and decode, whole or in windows, with the same calls."""

from pathlib import Path

from telucodec.errors import ModelError
from telucodec.runtime.bundle import FILE_NAME, load_bundle
from telucodec.runtime.model import FILE_NAME as TRANSFORM
from telucodec.runtime.model import load_model
from telucodec.runtime.synthesis import load_syntheses
from telucodec.runtime.transform import TransformCodec
from telucodec.runtime.unpacked import way_out
from telucodec.runtime.vq import CodesCodec

Codec = TransformCodec | CodesCodec


def load_codec(path: Path | None = None) -> Codec:
    """The codec of the model in the file or folder `path`, or of the shipped model. Raises ModelError."""
    if path is not None and (Path(path) / FILE_NAME).exists():
        return CodesCodec(load_bundle(path))
    if path is not None and not (Path(path) / TRANSFORM).exists() and (instead := way_out(Path(path))):
        raise ModelError(instead)
    return TransformCodec(load_model(path), load_syntheses(path))
