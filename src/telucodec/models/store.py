"""A trained codec in one file: its parameters and, beside them, the settings it is built from. Nothing in it can run code."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from telucodec.config import parse
from telucodec.errors import ModelError
from telucodec.files import write_whole
from telucodec.models.vq_codec import VQCodec, VQCodecConfig

FILE_NAME = "codec.safetensors"
FORMAT = "telucodec vq 1"
HEADER_BYTES = 8


def save_codec(codec: VQCodec, folder: Path) -> Path:
    """Write `codec` to `folder`, whole or not at all, and return its file."""
    path = Path(folder) / FILE_NAME
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in codec.state_dict().items()}
    write_whole(path, save(tensors, metadata={"format": FORMAT, "config": codec.config.model_dump_json()}))
    return path


def load_codec_module(folder: Path) -> VQCodec:
    """The codec that `save_codec` wrote to `folder`, or to the file `folder`. Raises ModelError."""
    path = Path(folder) / FILE_NAME if Path(folder).is_dir() else Path(folder)
    try:
        content = path.read_bytes()
        tensors = load(content)
        size = int.from_bytes(content[:HEADER_BYTES], "little")
        metadata = json.loads(content[HEADER_BYTES : HEADER_BYTES + size])["__metadata__"]
        if metadata["format"] != FORMAT:
            raise ModelError(f"{path}: is of the format {metadata['format']!r}, this program reads {FORMAT!r}; install a newer telucodec")
        config = json.loads(metadata["config"])
    except OSError as error:
        raise ModelError(f"{path}: no codec there ({error.strerror}); pass the model folder of a run") from error
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: is no trained codec ({error}); pass the model folder of a run") from error
    codec = parse(config, VQCodecConfig, path).build()
    try:
        codec.load_state_dict(tensors)
    except RuntimeError as error:
        raise ModelError(f"{path}: its parameters do not fit its settings; train it again") from error
    if not all(torch.isfinite(tensor).all() for tensor in codec.state_dict().values()):
        raise ModelError(f"{path}: holds parameters that are not finite; its training went wrong, train it again")
    return codec.eval()
