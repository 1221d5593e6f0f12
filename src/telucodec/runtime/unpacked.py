"""What to do with a folder that holds a trained codec but nothing that runs without PyTorch, told without PyTorch."""

import json
import shlex
from pathlib import Path

from safetensors import SafetensorError, safe_open

from telucodec.runtime.bundle import FILE_NAME as BUNDLE
from telucodec.runtime.model import FILE_NAME as TRANSFORM

TRAINED = "codec.safetensors"
"""What `models.store` writes."""


def trained_in(path: Path) -> Path | None:
    """The file of the trained codec in `path`, the folder of a run or its model folder; None where there is none."""
    return next((file for file in (path / "model" / TRAINED, path / TRAINED) if file.is_file()), None)


def packable(trained: Path) -> bool:
    """Whether `telucodec optimize` has a bundle for the codec in the file `trained`: not for EnCodec's body, which takes whole sounds alone.

    True for what is no such file; who opens it says why.
    """
    try:
        with safe_open(trained, "numpy") as opened:
            return json.loads(opened.metadata()["config"])["body"]["kind"] != "encodec"
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return True


def way_out(path: Path) -> str:
    """What to pass instead of the folder `path`, where it is one of a run or a build; empty where it is neither."""
    beside = [path.parent] if (path / TRAINED).is_file() else []
    for inner in (folder / "bundle" for folder in (path, *beside)):
        if (inner / BUNDLE).is_file():
            return f"{path}: is no bundle; pass {inner}"
    if (path / "model" / TRANSFORM).is_file():
        return f"{path}: is no model; pass {path / 'model'}"
    trained = trained_in(path)
    if trained is None:
        return ""
    if packable(trained):
        return f"{path}: holds a trained codec that is not packed; `telucodec optimize {shlex.quote(str(path))}` does it, then pass {path / 'bundle'}"
    return f"{path}: holds a codec that began as EnCodec and cannot be packed; `telucodec evaluate --model {shlex.quote(str(path))}` measures it"
