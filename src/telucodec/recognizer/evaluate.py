"""A recogniser on test manifests: every clip heard, errors counted by speaker and source, and what is taken for what."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from telucodec.data.manifest import read_manifest, read_segment
from telucodec.data.transcript import RULE
from telucodec.errors import DataError
from telucodec.progress import Progress, untold
from telucodec.recognizer.bundle import Recognizer
from telucodec.recognizer.examples import Transcribed, transcribed
from telucodec.recognizer.score import Errors, Rates, confusions, error_rates, errors_of, guesses, rates_of

LONGEST_S = 30.0


@dataclass(frozen=True)
class Heard:
    """A clip of the test."""

    clip: str
    speaker: str
    source: str
    duration_s: float
    said: str
    """Normalised, in the recogniser's script."""
    heard: str
    errors: Errors


@dataclass(frozen=True)
class Closed:
    """The sentences that alone might be said, where such were given."""

    num_sentences: int
    """Different ones that the units can say."""
    num_missing: int
    """References that are not among them, and so cannot be heard right."""


@dataclass(frozen=True)
class LanguageModel:
    """What the recogniser knew of its language beside the sound."""

    order: int
    weight: float
    perplexity: float
    """Of symbols of the references, NaN where the units can say none of them; near 1 where it was counted on these very texts."""


@dataclass(frozen=True)
class Evaluation:
    """A manifest."""

    manifest: str
    normaliser: str
    """Name of the rule that texts were brought under before they were compared."""
    model: str
    """Hash of the bundle, in hexadecimal."""
    closed: Closed | None
    language_model: LanguageModel | None
    """None where none was asked, as with closed sentences."""
    rates: Rates
    blank: Rates
    """Had nothing been heard."""
    unigram: Rates
    """Had letters been guessed as often as they are in the texts of the test itself, at the right lengths."""
    by_source: dict[str, Rates]
    by_speaker: dict[str, Rates]
    confusions: list[tuple[str, str, int]]
    left_out: dict[str, int]
    cpu_per_s: float
    """CPU seconds for a second of sound, reading and counting left out."""
    clips: tuple[Heard, ...]


def to_hear(manifest: Path, recognizer: Recognizer) -> Transcribed:
    """The rows of `manifest` that have a text. Raises DataError where there are none."""
    told = transcribed(read_manifest(manifest), recognizer.info.script, LONGEST_S)
    if not told.rows:
        raise DataError(f"{manifest}: has no row with a text to compare with; left out: {told.reasons}; import rows with their texts")
    return told


def evaluate(manifest: Path, recognizer: Recognizer, progress: Progress = untold) -> Evaluation:
    """Hear the rows of `manifest` that have a text. Raises DataError where there are none."""
    told = to_hear(manifest, recognizer)
    heard, spent_s = [], 0.0
    for number, (row, text) in enumerate(zip(told.rows, told.texts, strict=True)):
        wave = read_segment(row, manifest.parent)[0]
        began = time.process_time()
        found = recognizer.text(wave)
        spent_s += time.process_time() - began
        name = f"{row.recording} at {row.start_s:.2f} s"
        heard.append(Heard(name, row.speaker, row.source, row.duration_s, text, found, errors_of(text, found)))
        progress(number + 1, len(told.rows), row.recording)
    said, texts = [clip.said for clip in heard], [clip.heard for clip in heard]
    return Evaluation(
        manifest=str(manifest),
        normaliser=RULE,
        model=recognizer.digest,
        closed=_closed(recognizer, said) if recognizer.closed else None,
        language_model=_language_model(recognizer, said) if recognizer.lm and not recognizer.closed else None,
        rates=_rates(heard),
        blank=error_rates(said, [""] * len(said), intervals=False),
        unigram=error_rates(said, guesses(said, said), intervals=False),
        by_source=_grouped(heard, "source"),
        by_speaker=_grouped(heard, "speaker"),
        confusions=confusions(said, texts),
        left_out=told.left_out,
        cpu_per_s=spent_s / sum(clip.duration_s for clip in heard),
        clips=tuple(heard),
    )


def _closed(recognizer: Recognizer, said: Sequence[str]) -> Closed:
    sentences = {tuple(numbers.tolist()) for numbers in recognizer.closed}
    encoded = [recognizer.info.units.encode(text) for text in said]
    return Closed(len(sentences), sum(numbers is None or tuple(numbers.tolist()) not in sentences for numbers in encoded))


def _language_model(recognizer: Recognizer, said: Sequence[str]) -> LanguageModel:
    encoded = [numbers.tolist() for text in said if (numbers := recognizer.info.units.encode(text)) is not None]
    return LanguageModel(recognizer.lm.order, recognizer.beam.lm_weight, recognizer.lm.perplexity(encoded))


def _rates(clips: Sequence[Heard]) -> Rates:
    return rates_of([clip.errors for clip in clips], [clip.speaker for clip in clips])


def _grouped(clips: Sequence[Heard], column: str) -> dict[str, Rates]:
    groups = Counter(getattr(clip, column) or "unknown" for clip in clips)
    return {name: _rates([clip for clip in clips if (getattr(clip, column) or "unknown") == name]) for name, _ in groups.most_common()}
