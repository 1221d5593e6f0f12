"""The codec of live packets: networks and tables that know short packets, where a model has such, and the synthesis of calls."""

from pathlib import Path

from telucodec.runtime.context import Evaluator, Layers
from telucodec.runtime.model import load_model
from telucodec.runtime.synthesis import load_syntheses, model_folder
from telucodec.runtime.transform import TransformCodec

FILE_NAME = "live.safetensors"
"""A transform model like that of files, which learned from live packets."""


def load_live_codec(path: Path | None = None, evaluate: Evaluator = Layers.__call__) -> TransformCodec:
    """That of the model in the file or folder `path`, or the shipped one; a model without FILE_NAME beside it sends packets as it codes files. Raises ModelError."""
    own = model_folder(path) / FILE_NAME
    return TransformCodec(load_model(own if own.exists() else path), evaluate, load_syntheses(path))
