"""A trained model in one file: its parameters and, beside them, the settings it is built from. Nothing in it can run code."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from telucodec.config import parse
from telucodec.errors import ModelError
from telucodec.files import write_whole
from telucodec.models.vq_codec import VQCodec, VQCodecConfig

FILE_NAME = "codec.safetensors"
FORMAT = "telucodec vq 1"
HEADER_BYTES = 8


def save_codec(codec: VQCodec, folder: Path) -> Path:
    """Write `codec` to `folder`, whole or not at all, and return its file."""
    return save_module(codec, Path(folder) / FILE_NAME, FORMAT, codec.config.model_dump_json())


def load_codec_module(folder: Path) -> VQCodec:
    """The codec that `save_codec` wrote to `folder`, or to the file `folder`. Raises ModelError."""
    path = Path(folder) / FILE_NAME if Path(folder).is_dir() else Path(folder)
    settings, tensors = read_module(path, FORMAT, "codec")
    codec = parse(settings, VQCodecConfig, path).build()
    fill(codec, tensors, path)
    return codec


def save_module(module: nn.Module, path: Path, form: str, settings: str) -> Path:
    """Write the parameters of `module` to `path`, whole or not at all, with the name of the format and `settings`, JSON; return `path`."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    write_whole(path, save(tensors, metadata={"format": form, "config": settings}))
    return path


def read_module(path: Path, form: str, kind: str) -> tuple[dict, dict[str, Tensor]]:
    """Settings and parameters that `save_module` wrote to `path` in that format; `kind` is what errors call it. Raises ModelError."""
    try:
        content = path.read_bytes()
        tensors = load(content)
        size = int.from_bytes(content[:HEADER_BYTES], "little")
        metadata = json.loads(content[HEADER_BYTES : HEADER_BYTES + size])["__metadata__"]
        if metadata["format"] != form:
            raise ModelError(f"{path}: is of the format {metadata['format']!r}, this program reads {form!r}; install a newer telucodec")
        return json.loads(metadata["config"]), tensors
    except OSError as error:
        raise ModelError(f"{path}: no {kind} there ({error.strerror}); pass the model folder of a run") from error
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"{path}: is no trained {kind} ({error}); pass the model folder of a run") from error


def fill(module: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Put the parameters that came from `path` into `module`, and set it to evaluation. Raises ModelError."""
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise ModelError(f"{path}: its parameters do not fit its settings; train it again") from error
    if not all(torch.isfinite(tensor).all() for tensor in module.state_dict().values()):
        raise ModelError(f"{path}: holds parameters that are not finite; its training went wrong, train it again")
    module.eval()
