"""What a run tells on its way: log.jsonl for programs, TensorBoard and, if asked for, Weights & Biases for people."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType

import numpy as np
from pydantic import BaseModel
from torch.utils.tensorboard import SummaryWriter

from telucodec.audio.media import SAMPLE_RATE
from telucodec.errors import TrainingError
from telucodec.metrics.signs.sign import Sign
from telucodec.training.run_folder import RunFolder
from telucodec.training.validate import Heard

SHOWN = 4
"""Sounds of a validation to listen to."""
WINDOW, STEP = 512, 160
"""Samples of a spectrogram's frame, and from one frame to the next."""
LOWEST_DB = -100.0


class Journal:
    """Writes to the folder of a run."""

    def __init__(self, folder: RunFolder, config: BaseModel, wandb: bool):
        self.folder = folder
        with self._writing():
            self.board = SummaryWriter(str(folder.path / "tensorboard"))
        self.wandb = _wandb_run(folder, config) if wandb else None
        self._told: set[str] = set()

    def update(self, update: int, numbers: dict[str, float]) -> None:
        """Note the numbers of one update."""
        self.folder.write_log({"update": update, **numbers})
        self.show("update", update, numbers)

    def validation(self, update: int, entry: dict, sounds: Mapping[str, np.ndarray], heard: Heard) -> None:
        """Note a validation, with some of its sounds and their spectrograms before and after."""
        self.folder.write_log({"update": update, **entry})
        flat = {name: value for name, value in entry.items() if isinstance(value, float)}
        flat |= {f"{name}/{which}": number for name, value in entry.items() if isinstance(value, dict) for which, number in value.items()}
        flat |= {f"perplexity/{k}": value for k, value in enumerate(entry["perplexity"])}
        self.show("validation", update, flat)
        with self._writing():
            for name in list(sounds)[:SHOWN]:
                for side, wave in (("original", sounds[name][0]), ("decoded", heard.estimates[name])):
                    self.board.add_audio(f"{name}/{side}", wave, update, SAMPLE_RATE)
                    self.board.add_image(f"{name}/{side}", spectrogram(wave), update, dataformats="HW")
            self.board.flush()

    def tell(self, say: Callable[[str], None], line: str, signs: Sequence[Sign]) -> None:
        """Say the `line` of a validation with the names of its `signs`, and the words of those that the one before did not have."""
        named = f"; {', '.join(sign.case for sign in signs)}" if signs else ""
        say(line + named)
        for sign in signs:
            if sign.case not in self._told:
                say(f"  {sign}")
        self._told = {sign.case for sign in signs}

    def show(self, group: str, update: int, numbers: dict[str, float]) -> None:
        """Draw numbers of an update for people."""
        with self._writing():
            for name, number in numbers.items():
                self.board.add_scalar(f"{group}/{name}", number, update)
        if self.wandb:
            self.wandb.log({f"{group}/{name}": number for name, number in numbers.items()}, step=update)

    def close(self) -> None:
        with self._writing():
            self.board.close()
        if self.wandb:
            self.wandb.finish()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            place = self.folder.path / "tensorboard"
            raise TrainingError(f"{place}: cannot be written ({error.strerror}); free some disk and resume the run") from error


def spectrogram(wave: np.ndarray) -> np.ndarray:
    """Levels of wave [T] as an image float32 [bins, frames], 0 at -100 dB of full scale and 1 at 0 dB, high frequencies on top."""
    padded = np.pad(wave, (0, max(0, WINDOW - len(wave))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::STEP] * np.hanning(WINDOW)
    levels = 20 * np.log10(np.abs(np.fft.rfft(frames)) / (WINDOW / 4) + 1e-9)
    return (np.clip(levels / -LOWEST_DB + 1, 0, 1).T[::-1]).astype(np.float32)


def wandb_module() -> ModuleType:
    """The module `wandb`. Raises TrainingError where it is not installed."""
    try:
        import wandb
    except ImportError as error:
        raise TrainingError("Weights & Biases is not installed; pip install wandb, or leave --use_wandb out") from error
    return wandb


def _wandb_run(folder: RunFolder, config: BaseModel):
    settings = config.model_dump(mode="json")
    return wandb_module().init(project="telucodec", name=folder.path.name, dir=str(folder.path), config=settings)
