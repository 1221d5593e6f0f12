"""What a run of a recogniser checks before it spends: transcripts that do not fit their sound, and a network that cannot learn.

Each gate names the fault it found, and its cause, in the form of the codec's gates (`training/gates.py`).
"""

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from telucodec.data.manifest import Segment
from telucodec.recognizer.examples import Batch, Transcribed
from telucodec.recognizer.features import steps_of
from telucodec.recognizer.text import scripts
from telucodec.training.gates import Verdict
from telucodec.training.pace import OptimiserConfig

Share = Annotated[float, Field(ge=0, le=1)]

OVERFIT_CLIPS = 4
FEWEST_ROWS = OVERFIT_CLIPS
"""That can be learned from: fewer are not even learned by heart as a check."""
OVERFIT_LOSS = 0.7
"""Nats a symbol: blanks alone, or symbols as often as they are in the text, cost about 3."""
PADDING_CHANGE = 1e-3
FEWEST_TO_CORRELATE = 30


class GateConfig(BaseModel):
    """Thresholds, each with its reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    most_empty: Share = 0.9
    """Rows without text: segments of videos beside read sentences have none; nearly all without is a wrong column."""
    most_left_out: Share = 0.5
    """Rows with a text that are left out for whatever reason."""
    most_too_long: Share = 0.05
    """Rows with a text of more symbols than CTC can say in their sound."""
    scripts: tuple[str, ...] = ()
    """Scripts that transcripts may be in, as Unicode names them, in any case: TELUGU, LATIN; any single one if empty."""
    most_foreign: Share = 0.02
    """Letters of other scripts."""
    least_correlation: Annotated[float, Field(ge=-1, le=1)] = 0.3
    """Of the lengths of texts and of sounds, where texts differ: read sentences have 0.7 and more, shuffled ones 0."""
    overfit_updates: Annotated[int, Field(ge=1)] = 300
    """In which the network must learn four clips by heart; one that learns needs 60 to 200."""


def check_data(rows: Sequence[Segment], told: Transcribed, config: GateConfig) -> Iterator[Verdict]:
    """Look at all `rows` of the manifest, and at those that `told` kept, with why others were not."""
    empty, too_long = told.left_out.get("empty transcript", 0), told.left_out.get("text longer than its sound", 0)
    with_text = len(rows) - empty
    yield _empty(empty, len(rows), config)
    yield Verdict("text longer than audio", too_long <= config.most_too_long * with_text, f"{too_long} of {with_text} rows", _TOO_LONG)
    yield _alphabet(told, config)
    enough = len(told.rows) >= FEWEST_ROWS and with_text - len(told.rows) <= config.most_left_out * with_text
    measured = f"{len(rows) - len(told.rows)} of {len(rows)} rows left out: {told.reasons}"
    yield Verdict("rows to learn from", enough, measured, f"mend the manifest's texts, or add rows: {FEWEST_ROWS} are the least")
    yield _pairing(told, config)


_TOO_LONG = "texts belong to other sounds, sounds are cut short, or units are too small: look at those rows, or take aksharas or bpe"


def _empty(found: int, total: int, config: GateConfig) -> Verdict:
    passed = found <= config.most_empty * total
    cause = (
        "they are passed over"
        if passed
        else "the manifest's column `text` is empty or of another name: import it again; or set gates.most_empty, if so few have a text"
    )
    return Verdict("empty transcripts", passed, f"{found} of {total} rows", cause, noted=passed and found > 0)


def _alphabet(told: Transcribed, config: GateConfig) -> Verdict:
    counts: Counter[str] = Counter()
    for text in told.texts:
        counts.update(scripts(text))
    total = sum(counts.values())
    allowed = tuple(map(str.upper, config.scripts)) or tuple(name for name, _ in counts.most_common(1))
    foreign = total - sum(counts[name] for name in allowed)
    measured = ", ".join(f"{name} {100 * count / total:.1f} %" for name, count in counts.most_common(4)) or "no letters"
    cause = (
        "transcripts are in another script than the recogniser's: leave those rows out, set `script` so that related languages share one, "
        f"or name all in gates.scripts; allowed here: {', '.join(allowed) or 'none'}"
    )
    return Verdict("one alphabet", foreign <= config.most_foreign * total, measured, cause)


def _pairing(told: Transcribed, config: GateConfig) -> Verdict:
    """Long texts take long to say."""
    name, cause = (
        "texts fit their sounds",
        "texts belong to other rows' sounds: a column was sorted alone, or paths were renamed; listen to some",
    )
    if len(told.rows) < FEWEST_TO_CORRELATE or len(set(told.texts)) < FEWEST_TO_CORRELATE:
        return Verdict(name, True, "too few different texts to tell by their lengths")
    lengths = np.log([[len(text) for text in told.texts], [row.duration_s for row in told.rows]])
    found = float(np.corrcoef(lengths)[0, 1]) if lengths.std(axis=1).min() > 0 else 0.0
    return Verdict(name, found >= config.least_correlation, f"lengths of text and sound correlate by {found:.2f}", cause)


def check_model(model: nn.Module, batch: Batch, settings: OptimiserConfig, config: GateConfig) -> Iterator[Verdict]:
    """Look at an untrained `model`, which stays as it is, with a batch of short clips."""
    yield _own_sound(copy.deepcopy(model), batch)
    yield _overfits(copy.deepcopy(model), batch, settings, config)


def _own_sound(model: nn.Module, batch: Batch) -> Verdict:
    """What is heard in a clip must not depend on the silence that fills it up, or on its neighbours."""
    model.eval()
    shortest = int(batch.num_frames.argmin())
    frames = torch.from_numpy(batch.frames)
    size = int(batch.num_frames[shortest])
    with torch.no_grad():
        together = model(frames, torch.from_numpy(batch.num_frames))[shortest, : steps_of(size)]
        alone = model(frames[shortest : shortest + 1, :size], torch.tensor([size]))[0]
    change = float((together - alone).abs().max())
    cause = "some layer sees past the end of a clip: mask it, and normalise over bands, not over the batch"
    return Verdict("a clip alone is heard as in a batch", change < PADDING_CHANGE, f"log-probabilities differ by {change:.2g}", cause)


def _overfits(model: nn.Module, batch: Batch, settings: OptimiserConfig, config: GateConfig) -> Verdict:
    """Some clips must be learned by heart."""
    model.eval().requires_grad_(True)  # without dropout, so that it is quick
    optimiser = torch.optim.AdamW(model.parameters(), settings.learning_rate, betas=settings.betas)
    first = loss = float("nan")
    for number in range(1, config.overfit_updates + 1):
        total = ctc_loss(model, batch)
        loss = float(total.detach())
        first = loss if number == 1 else first
        if not loss >= OVERFIT_LOSS:
            break
        optimiser.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    measured = f"after {number} updates on {len(batch.frames)} clips the loss went from {first:.2f} to {loss:.2f} nats a symbol"
    cause = (
        f"a learning rate of {settings.learning_rate:g} is too low or too high (3e-4 to 2e-3 is usual), "
        "sounds are silent, or no gradient reaches the first layers"
    )
    return Verdict("learns some clips by heart", loss < OVERFIT_LOSS, measured, cause)


def short_clips(sizes: np.ndarray, targets: Sequence[np.ndarray]) -> np.ndarray:
    """Numbers [b] of clips to overfit: of different texts, short but not the shortest, since those may be cut."""
    order = np.argsort(sizes, kind="stable")
    order = order[len(order) // 5 :]
    chosen, seen = [], set()
    for number in order:
        if tuple(targets[number]) not in seen:
            seen.add(tuple(targets[number]))
            chosen.append(number)
        if len(chosen) == OVERFIT_CLIPS:
            break
    return np.array(chosen)


def ctc_loss(model: nn.Module, batch: Batch, device: torch.device | str = "cpu") -> torch.Tensor:
    """Nats a symbol, over all of `batch`; one that cannot be said in its frames counts nothing."""
    frames, num_frames = torch.from_numpy(batch.frames).to(device), torch.from_numpy(batch.num_frames).to(device)
    log_probs = model(frames, num_frames)
    total = nn.functional.ctc_loss(
        log_probs.transpose(0, 1),
        torch.from_numpy(batch.targets).to(device),
        steps_of(num_frames),
        torch.from_numpy(batch.num_targets).to(device),
        reduction="sum",
        zero_infinity=True,
    )
    return total / int(batch.num_targets.sum())
