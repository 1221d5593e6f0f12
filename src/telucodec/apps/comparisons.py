"""Before and after to listen to: the original of a clip and what every codec made of it, with their pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from telucodec.apps.page import data_uri
from telucodec.apps.plots import difference_png, spectrogram_png, spectrum_db
from telucodec.apps.table import number, summaries
from telucodec.audio.media import SAMPLE_RATE, read_media
from telucodec.errors import TelucodecError
from telucodec.evaluation.judge import UNTOUCHED
from telucodec.evaluation.results import ContenderRow, Results, Sample, Trial, beside
from telucodec.evaluation.summary import PCM_KBPS


@dataclass(frozen=True)
class Player:
    """One thing to listen to."""

    label: str
    facts: tuple[str, ...]
    sound: str = ""
    """FLAC as a data URI; empty where there is none."""
    picture: str = ""
    """PNG as a data URI."""
    difference: str = ""
    """PNG as a data URI: louder and softer than the original; empty for the original itself."""
    missing: str = ""
    """Why there is nothing to hear."""


@dataclass(frozen=True)
class Comparison:
    """A test clip and what became of it."""

    clip: str
    duration: str
    players: tuple[Player, ...]


def comparison(results: Results, sample: Sample, results_path: Path) -> Comparison:
    """Players for one clip: the original, every setting under test, and the baselines next to them in rate."""
    trials = {trial.contender: trial for trial in results.trials if trial.clip == sample.clip}
    original, length = None, ""
    try:
        path = beside(results_path, sample.original)
        wave = read_media(path)
        original, length = spectrum_db(wave), f"{wave.shape[-1] / SAMPLE_RATE:.1f} s"
        first = Player(
            "Original",
            (f"{PCM_KBPS:g} kbps as 16-bit samples",),
            data_uri("audio/flac", path.read_bytes()),
            data_uri("image/png", spectrogram_png(original, original.max())),
        )
    except TelucodecError as error:
        first = Player("Original", (), missing=str(error))
    players = [first]
    for row in to_hear(results):
        trial, name = trials.get(row.name), sample.decoded.get(row.name)
        if name is None:
            players.append(Player(row.label, (), missing=trial.failure if trial and trial.failure else "no sound was kept"))
        else:
            players.append(_player(row.label, _facts(results, trial), results_path, name, original))
    return Comparison(sample.clip, length, tuple(players))


def to_hear(results: Results) -> Sequence[ContenderRow]:
    """What is under test, and of each family of baselines the nearest measured rates below and above each of it."""
    found, codecs = summaries(results), [row for row in results.contenders if row.name != UNTOUCHED]  # the original has its own player
    rates_under_test = [found[row.name].kbps for row in codecs if row.model]
    families: dict[str, list[ContenderRow]] = {}
    for row in codecs:
        if not row.model and found[row.name].kbps > 0:
            families.setdefault(row.family, []).append(row)
    near = set()
    for family in families.values():
        for kbps in rates_under_test:
            below = [row for row in family if found[row.name].kbps <= kbps]
            above = [row for row in family if found[row.name].kbps > kbps]
            near |= {max(below, key=lambda row: found[row.name].kbps).name} if below else set()
            near |= {min(above, key=lambda row: found[row.name].kbps).name} if above else set()
    return [row for row in codecs if row.model or row.name in near or not rates_under_test]


def _facts(results: Results, trial: Trial | None) -> tuple[str, ...]:
    """What was measured on this clip, in a few words each."""
    if trial is None:
        return ()
    facts = [] if trial.kbps is None else [number(trial.kbps, 2, "kbps").text, f"{trial.num_bytes:,} bytes"]
    for metric in results.metrics:
        value = trial.values.get(metric.name)
        if metric.name in ("snr_db", "pesq") and value is not None:
            facts.append(f"{metric.label} {number(value, metric.digits, metric.unit).text}")
    return (*facts, *([trial.failure] if trial.failure else []))


def _player(label: str, facts: tuple[str, ...], results_path: Path, name: str, original: np.ndarray | None) -> Player:
    try:
        path = beside(results_path, name)
        spectrum = spectrum_db(read_media(path))
        picture = data_uri("image/png", spectrogram_png(spectrum, (spectrum if original is None else original).max()))
        comparable = original is not None and original.shape == spectrum.shape
        difference = data_uri("image/png", difference_png(original, spectrum)) if comparable else ""
        return Player(label, facts, data_uri("audio/flac", path.read_bytes()), picture, difference)
    except TelucodecError as error:
        return Player(label, facts, missing=str(error))
