"""What a validation shows of a recogniser that does not learn, in words: blank collapse and its kin."""

from collections.abc import Sequence
from dataclasses import dataclass

from telucodec.metrics.signs.sign import Sign, not_finite

PATIENCE = 0.35
"""Share of a run in which blanks alone are no sign: CTC begins with them (the loss lies at about 3 nats a symbol until letters come)."""
MOST_EMPTY = 0.9
LEAST_DIFFERENT = 0.1
FEWEST_TEXTS = 10
LEAST_LENGTH, MOST_LENGTH = 0.3, 2.0
MOST_ERRORS = 0.85
"""Character error rate of guesses at the letters' own frequencies is 0.8 to 0.9."""
MOST_RISE = 1.15
LEAST_RISE = 0.1
"""Nats a symbol; below that nothing is lost yet."""


@dataclass(frozen=True)
class Point:
    """A validation."""

    share: float
    """Of the run that was over."""
    loss: float
    """Nats a symbol on validation clips."""
    train_loss: float
    cer: float


def signs(points: Sequence[Point], references: Sequence[str], hypotheses: Sequence[str]) -> tuple[Sign, ...]:
    """What is wrong at the last of `points`, where `hypotheses` were heard for `references`."""
    now = points[-1]
    if not now.loss < float("inf"):
        return (not_finite(f"validation loss {now.loss}"),)
    if now.share < PATIENCE:
        return ()
    found = []
    empty = sum(not text for text in hypotheses) / len(hypotheses)
    lengths = sum(map(len, hypotheses)) / max(1, sum(map(len, references)))
    different = len(set(hypotheses)) / max(1, len(set(references)))
    if empty > MOST_EMPTY:
        found.append(
            Sign(
                "blank collapse",
                f"nothing is heard in {100 * empty:.0f} % of the clips",
                f"at most {100 * MOST_EMPTY:.0f} % once {100 * PATIENCE:.0f} % of the run is over",
                "too few updates, a learning rate too high or too low, texts of other sounds, or units too small for the steps",
                "train longer, halve the learning rate, and see that `telucodec recognizer train` passes its gates",
            )
        )
    elif len(set(references)) >= FEWEST_TEXTS and different < LEAST_DIFFERENT:
        found.append(
            Sign(
                "one text for all",
                f"{len(set(hypotheses))} different texts heard where {len(set(references))} were said",
                f"needs {100 * LEAST_DIFFERENT:.0f} %",
                "the network follows the frequency of letters and not the sound",
                "train longer, and look whether texts belong to their sounds",
            )
        )
    elif not LEAST_LENGTH <= lengths <= MOST_LENGTH:
        found.append(
            Sign(
                "wrong length",
                f"texts heard are {lengths:.2f} times as long as those said",
                f"{LEAST_LENGTH:g} to {MOST_LENGTH:g}",
                "too few updates, or transcripts that leave out what is said",
                "train longer, and compare some transcripts with their sounds",
            )
        )
    elif now.cer > MOST_ERRORS:
        found.append(
            Sign(
                "no better than guessing",
                f"CER {100 * now.cer:.0f} %",
                f"{100 * MOST_ERRORS:.0f} % is what guesses at the frequency of letters have",
                "too little speech, too few updates, or other speakers and languages than those learned from",
                "train longer, on more speakers",
            )
        )
    best = min(point.loss for point in points)
    if now.loss > max(MOST_RISE * best, best + LEAST_RISE) and now.train_loss < 0.5 * now.loss:
        found.append(
            Sign(
                "learned by heart",
                f"validation loss {now.loss:.2f} after {best:.2f} at best, training loss {now.train_loss:.2f}",
                f"a rise of {100 * (MOST_RISE - 1):.0f} % at most",
                "too little speech for so many updates or so wide a network",
                "stop earlier, add speakers or synthetic speech, raise dropout and masks, or take fewer blocks",
            )
        )
    return tuple(found)
