"""What a training run left behind, for the report: its log.jsonl and config.toml, read without what trains.

A run that was killed may end in half a line, and one that is still running is read as far as it came.
"""

import json
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path

from telucodec.apps.plots import Columns, Curve
from telucodec.apps.sources import Source, source_of
from telucodec.errors import DataError

HIDDEN_TERMS = ("update", "spent_s", "heard_hours", "loading_s", "revived", "judged_right")
"""Numbers of an update that are not terms of its loss."""
MAX_POINTS = 300
"""Of a line; more cannot be seen."""


@dataclass(frozen=True)
class TrainingLog:
    """The log of one run."""

    name: str
    source: Source
    settings: dict[str, str]
    """What config.toml says, in words."""
    updates: tuple[dict, ...]
    validations: tuple[dict, ...]
    num_broken: int
    """Lines that are no JSON."""


def read_training_log(folder: Path | None) -> TrainingLog | None:
    """The log of the run in `folder`; None for None. Raises DataError where there is none, or one of another kind."""
    if folder is None:
        return None
    config = _config(Path(folder) / "config.toml")
    if config and "recipe" not in config:
        raise DataError(f"{folder}: the report draws runs of `telucodec train`, and this is another; name the folder of one")
    path, entries, num_broken = Path(folder) / "log.jsonl", [], 0
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); name the folder of a run of telucodec train") from error
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if isinstance(entry, dict):
            entries.append(entry)
        else:
            num_broken += 1
    commands = [str(entry["command"]) for entry in entries if "command" in entry]
    counted = [entry for entry in entries if isinstance(entry.get("update"), (int, float))]
    return TrainingLog(
        name=Path(folder).resolve().name,
        source=source_of(path, " and then ".join(commands)),
        settings=_settings(config),
        updates=tuple(entry for entry in counted if "correlation" not in entry),
        validations=tuple(entry for entry in counted if "correlation" in entry),
        num_broken=num_broken,
    )


def _config(path: Path) -> dict:
    """What config.toml holds; nothing where it cannot be read."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _settings(config: dict) -> dict[str, str]:
    try:
        recipe, model = config["recipe"], config["model"]
        batches, quantizer = recipe["batches"], model["quantizer"]
        return {
            "Recipe": str(recipe.get("description") or "of its own"),
            "Model": f"{model['body']['kind']}, {quantizer['kind']} with {quantizer.get('num_codebooks', 1)} codebooks",
            "Batch": f"{batches['batch_size']} crops of {batches['crop_s']} s",
        }
    except (KeyError, TypeError, AttributeError):
        return {}


def number_of(entry: dict, name: str) -> float:
    """A number of a log's entry; NaN where it is null, missing or none."""
    value = entry.get(name)
    return float(value) if isinstance(value, (int, float)) else math.nan


def curves(log: TrainingLog) -> list[Curve]:
    """What a person looks at to see whether a training works, without what the log does not hold."""
    terms = dict.fromkeys(name for entry in log.updates for name in entry if name not in HIDDEN_TERMS)  # some come in later
    seen = (
        Curve("loss of validation", _lines(log.validations, {"loss": "loss"})),
        Curve("terms of the training loss", _lines(log.updates, {name: name for name in terms})),
        Curve("SNR of validation, dB", _lines(log.validations, {"snr_db": "SNR"}), marked=0.0),
        Curve("correlation", _lines(log.validations, {"correlation": "correlation"})),
        Curve("output amplitude, % of input", _lines(log.validations, {"amplitude_percent": "amplitude"}), marked=100.0),
        Curve("perplexity of codebooks", _perplexities(log)),
    )
    return [curve for curve in seen if any(math.isfinite(value) for line in curve.lines.values() for _, value in line)]


def codebooks(log: TrainingLog) -> list[Columns]:
    """How the last validation used the codebooks; empty for a model without any."""
    last = log.validations[-1] if log.validations else {}
    charts = []
    for name, title, factor in (
        ("perplexity", "perplexity: entries in use, as if evenly", 1),
        ("codes_used", "entries used at all, %", 100),
    ):
        values = _numbers(last.get(name))
        if values:
            labels = [str(place) for place in range(1, len(values) + 1)]
            charts.append(Columns(title, labels, [factor * value for value in values], 100.0 if factor == 100 else math.nan))
    return charts


def _lines(entries: tuple[dict, ...], names: dict[str, str]) -> dict[str, list[tuple[float, float]]]:
    kept = entries[:: max(1, -(-len(entries) // MAX_POINTS))]
    return {label: [(entry["update"], number_of(entry, name)) for entry in kept] for name, label in names.items()}


def _perplexities(log: TrainingLog) -> dict[str, list[tuple[float, float]]]:
    """The least, the middle and the greatest of all codebooks: single ones are in the chart of the last validation."""
    lines: dict[str, list[tuple[float, float]]] = {"least": [], "middle": [], "greatest": []}
    for entry in log.validations:
        values = sorted(_numbers(entry.get("perplexity")))
        if values:
            for name, value in zip(lines, (values[0], values[len(values) // 2], values[-1]), strict=True):
                lines[name].append((entry["update"], value))
    return lines


def _numbers(values: object) -> list[float]:
    numeric = isinstance(values, list) and all(isinstance(value, (int, float)) for value in values)
    return [float(value) for value in values] if numeric else []
