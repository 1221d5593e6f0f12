"""The codec of live packets: networks and tables that know short packets, where a model has such, and the synthesis of calls."""

from pathlib import Path

from telucodec.runtime.model import load_model
from telucodec.runtime.synthesis import load_syntheses, model_folder
from telucodec.runtime.transform import TransformCodec

FILE_NAME = "live.safetensors"
"""A transform model like that of files, which learned from live packets."""


def load_live_codec(path: Path | None = None) -> TransformCodec:
    """That of the model in the folder `path`, or the shipped one. Raises ModelError.

    A model without FILE_NAME in its folder, or a file that `path` names itself, sends packets as it codes files.
    """
    own = model_folder(path) / FILE_NAME
    known = own.exists() and (path is None or Path(path).is_dir())
    return TransformCodec(load_model(own if known else path), syntheses=load_syntheses(path))
