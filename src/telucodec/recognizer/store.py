"""A trained recogniser in one file: parameters, and beside them settings and units. Nothing in it can run code."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from telucodec.config import parse
from telucodec.models.store import fill, read_module, save_module
from telucodec.recognizer.model import Conformer
from telucodec.recognizer.recipe import RecognizerConfig
from telucodec.recognizer.units import Units

FILE_NAME = "recognizer.safetensors"
FORMAT = "telucodec recognizer 1"


class Trained(BaseModel):
    """What the file says beside the parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: RecognizerConfig
    units: Units


def save_recognizer(model: Conformer, trained: Trained, folder: Path) -> Path:
    """Write `model` to `folder`, whole or not at all, and return its file."""
    return save_module(model, Path(folder) / FILE_NAME, FORMAT, trained.model_dump_json())


def load_recognizer(folder: Path) -> tuple[Conformer, Trained]:
    """What `save_recognizer` wrote to `folder`, the model of a run, or to model/ in it. Raises ModelError."""
    folder = Path(folder)
    path = (folder / "model" if (folder / "model").is_dir() else folder) / FILE_NAME
    settings, tensors = read_module(path, FORMAT, "recogniser")
    trained = parse(settings, Trained, path)
    model = trained.config.build(trained.units)
    fill(model, tensors, path)
    return model, trained
