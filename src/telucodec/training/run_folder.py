"""The folder of a run: settings, log, checkpoint and model. A run never overwrites another; it goes on where it was, or takes a new name."""

import json
import math
import os
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TypeVar

import tomli_w
from pydantic import BaseModel

from telucodec.config import parse, read_toml
from telucodec.errors import TelucodecError, TrainingError
from telucodec.files import append_line, without_nan, write_changed, write_whole

CHECKPOINT = "resume.pt"
Settings = TypeVar("Settings", bound=BaseModel)


class RunFolder:
    """NAME/config.toml, log.jsonl, resume.pt, model/ and tensorboard/."""

    def __init__(self, path: Path):
        self.path = Path(path)
        self.config, self.log = self.path / "config.toml", self.path / "log.jsonl"
        self.resume, self.model = self.path / CHECKPOINT, self.path / "model"

    @classmethod
    def new(cls, parent: Path, name: str, config: BaseModel) -> "RunFolder":
        """A folder below `parent` that was not there yet: `name`, or else name-2, name-3 ... Raises TrainingError where none can be made."""
        paths = (Path(parent) / (name if number == 1 else f"{name}-{number}") for number in count(1))
        folder = cls(next(path for path in paths if _made(path)))
        write_whole(folder.config, tomli_w.dumps(config.model_dump(mode="json", exclude_none=True)).encode())
        return folder

    @classmethod
    def existing(cls, path: Path, kind: type[Settings]) -> tuple["RunFolder", Settings]:
        """The run in `path` and its settings, of that `kind`. Raises TrainingError where there is none to go on with."""
        folder = cls(path)
        if not folder.config.exists() or not folder.resume.exists():
            raise TrainingError(f"{path}: no run to go on with; name the folder that holds its config.toml and {CHECKPOINT}")
        settings = read_toml(folder.config)
        if strange := sorted(set(settings) - set(kind.model_fields)):
            raise TrainingError(f"{folder.config}: no such run has {strange[0]}; go on with the verb that began it, or mend that setting")
        return folder, parse(settings, kind, folder.config)

    def write_beginning(self, command: str, data: Path, **others: object) -> None:
        """The first line of log.jsonl: what was asked for, and the folder of the manifests."""
        self.write_log({"command": command, "data": os.path.abspath(data), **others})

    def data(self) -> Path:
        """The folder of manifests that the run began with. Raises TrainingError where it is not known or not there."""
        data = next((entry["data"] for entry in self.read_log() if "data" in entry), None)
        if data is None or not os.path.isdir(data):
            lay = "does not say where its data lies" if data is None else f"its data lay in {data}, which is not there"
            raise TrainingError(f"{self.path}: {lay}; pass --data with the folder of its train.csv and val.csv")
        return Path(data)

    def write_log(self, entry: dict) -> None:
        """Append a line to log.jsonl; numbers that are not finite are null there."""
        try:
            append_line(self.log, json.dumps(without_nan(entry), ensure_ascii=False))
        except TelucodecError as error:
            raise TrainingError(f"{self.log}: cannot be written; free some disk and resume the run") from error

    def forget_after(self, updates: int) -> None:
        """Take out of log.jsonl what a run that was killed noted after its checkpoint at so many `updates`: it is done, and noted, once more."""
        if not self.log.exists():
            return
        lines = self.log.read_bytes().splitlines(keepends=True)
        write_changed(self.log, b"".join(line for line in lines if not _update_of(line) > updates))

    def read_log(self) -> list[dict]:
        """Entries of log.jsonl so far; a line that was cut off when the disk was full or the run was killed is left out."""
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        entries = []
        for line in lines:
            with suppress(ValueError):
                entries.append(json.loads(line))
        return entries


def _update_of(line: bytes) -> float:
    """The number of updates that a line of log.jsonl is of; NaN where it is of none."""
    with suppress(ValueError, KeyError, TypeError):
        return float(json.loads(line)["update"])
    return math.nan


def _made(path: Path) -> bool:
    """Whether the folder `path` was made here and now, so that no other run that begins takes it too. Raises TrainingError."""
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        return False
    except OSError as error:
        raise TrainingError(f"{path}: cannot be made ({error.strerror}); choose another place for runs") from error
    return True
