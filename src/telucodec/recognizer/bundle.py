"""A trained recogniser as a product gets it: one ONNX graph, what to know of it, and perhaps a language model. No PyTorch, nothing that can run code.

`recognizer.json` says how sound becomes frames and symbols text, `acoustic.onnx` turns frames into log-probabilities, `lm.json`, where
there is one, tells which symbols follow which.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from telucodec.config import first_fault
from telucodec.data.transcript import RULE, has_number, normalised
from telucodec.errors import DataError, ModelError
from telucodec.recognizer.decode import BeamConfig, Said, beam_search, best_path, log_probs_of, placed
from telucodec.recognizer.features import FeatureConfig, steps_of
from telucodec.recognizer.ngram import NGram
from telucodec.recognizer.text import Script, in_script
from telucodec.recognizer.units import Units
from telucodec.runtime.bundle import Graph

FILE_NAME, ACOUSTIC, LM = "recognizer.json", "acoustic.onnx", "lm.json"
FORMAT = "telucodec recognizer bundle 1"
VERB = "telucodec recognizer optimize"
LEAST_SAMPLES = 1_600
"""0.1 s: the graph takes no less, and nothing is said in less."""


class RecognizerInfo(BaseModel):
    """What `recognizer.json` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = FORMAT
    rule: str = RULE
    """That texts are brought under before they are compared with what was heard, or counted for a language model."""
    script: Script = ""
    features: FeatureConfig
    units: Units
    lm_weight: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Of the language model."""


@dataclass(frozen=True)
class Recognizer:
    """A bundle, ready to listen."""

    info: RecognizerInfo
    graph: Graph
    lm: NGram | None = None
    beam: BeamConfig = field(default_factory=BeamConfig)
    closed: tuple[np.ndarray, ...] = ()
    """Where given, symbols of the only sentences that may be said: the likeliest of them is what was heard."""
    digest: str = ""
    """`digest_of` its folder."""

    def log_probs(self, wave: np.ndarray) -> np.ndarray:
        """Of units at each step, float32 [F, N], for wave [T] at 16 kHz, at most half a minute or so."""
        found, _ = self.graph.step(self.info.features.apply_to(long_enough(wave))[None], [])
        return found[0]

    def hear(self, wave: np.ndarray) -> Said:
        """What is said in wave [T]: prefix beam search where there is a language model, the best path without one."""
        log_probs = self.log_probs(wave)
        if self.closed:
            scores = log_probs_of(log_probs, self.closed)
            best = int(scores.argmax())
            if not np.isfinite(scores[best]):  # too short for any of them
                return Said((), (), float(scores[best]))
            return Said(tuple(self.closed[best].tolist()), tuple(placed(log_probs, self.closed[best])), float(scores[best]))
        return beam_search(log_probs, self.lm, self.beam) if self.lm else best_path(log_probs)

    def text(self, wave: np.ndarray) -> str:
        """What is said in wave [T], as text."""
        return self.info.units.decode(self.hear(wave).numbers)

    def of_prompts(self, sentences: Iterable[str]) -> "Recognizer":
        """The same, where one of `sentences` is all that may be said. Raises DataError where its units can say none of them."""
        encoded = (sayable(sentence, self.info.units, self.info.script) for sentence in sentences)
        found = {tuple(numbers): numbers for numbers in encoded if numbers is not None}
        if not found:
            raise DataError("none of the prompts can be said with the recogniser's units; give sentences of its language")
        return replace(self, closed=tuple(found.values()))

    def unsayable(self, sentences: Iterable[str]) -> list[str]:
        """Those of `sentences` that the units cannot say, and `of_prompts` passes over."""
        return [sentence for sentence in sentences if sayable(sentence, self.info.units, self.info.script) is None]

    def reference(self, text: str) -> str:
        """`text` as this recogniser would have to write it."""
        return in_script(normalised(text), self.info.script)


def sayable(sentence: str, units: Units, script: Script) -> np.ndarray | None:
    """Symbols of `sentence`; None where `units` lack one, nothing is left of it, or it has a number, which may be read in many ways."""
    return None if has_number(sentence) else units.encode(in_script(normalised(sentence), script))


def long_enough(wave: np.ndarray) -> np.ndarray:
    """Wave [T] with silence after it where it is shorter than LEAST_SAMPLES."""
    return np.pad(wave, (0, max(0, LEAST_SAMPLES - len(wave))))


def load_bundle(folder: Path, use_lm: bool = True) -> Recognizer:
    """The recogniser in `folder`. Raises ModelError for anything else than a whole one."""
    folder = Path(folder)
    again = f"write it again with `{VERB}`"
    try:
        content, graph = (folder / FILE_NAME).read_bytes(), (folder / ACOUSTIC).read_bytes()
    except OSError as error:
        raise ModelError(f"{error.filename}: cannot be read ({error.strerror}); pass the folder that `{VERB}` wrote") from error
    try:
        info = RecognizerInfo.model_validate_json(content)
    except ValidationError as error:
        raise ModelError(f"{folder / FILE_NAME}: {first_fault(error)}; {again}") from error
    if info.format != FORMAT or info.rule != RULE:
        raise ModelError(f"{folder / FILE_NAME}: is of format {info.format!r}, rule {info.rule!r}, not {FORMAT!r}, {RULE!r}; {again}")
    lm = NGram.load(folder / LM, info.units.size) if use_lm and (folder / LM).exists() else None
    listening = Graph(graph, str(folder / ACOUSTIC), VERB)
    frames = info.features.apply_to(np.zeros(LEAST_SAMPLES, np.float32))[None]
    if listening.silence() or listening.step(frames, [])[0].shape != (1, steps_of(frames.shape[1]), info.units.size):
        raise ModelError(f"{folder}: {ACOUSTIC} is not of the recogniser that {FILE_NAME} tells of; {again}")
    return Recognizer(info, listening, lm, BeamConfig(lm_weight=info.lm_weight), digest=digest_of(folder))


def digest_of(folder: Path) -> str:
    """Hash of all that the bundle in `folder` is, in hexadecimal."""
    files = [folder / name for name in sorted((FILE_NAME, ACOUSTIC, LM)) if (folder / name).is_file()]
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()
