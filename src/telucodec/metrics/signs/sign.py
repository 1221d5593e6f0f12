"""What a sign is, its thresholds, and the relation of SNR, amplitude and correlation that most of them rest on."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Sign:
    """One thing that is wrong, as a person will read it."""

    case: str
    """In a few words, the same wherever it is found."""
    measured: str
    threshold: str
    causes: str
    """What is behind it most often."""
    remedy: str
    """What to do next."""
    where: tuple[str, ...] = ()
    """Names of the pairs or codebooks that show it; empty where it is of the whole."""

    def __str__(self) -> str:
        return f"{self.case}: {self.measured}, {self.threshold}. Likely: {self.causes}. Do: {self.remedy}."


@dataclass(frozen=True)
class Thresholds:
    """Each with its reason."""

    min_amplitude_percent: float = 30.0
    """Less level than that may be on its way to none. The best guess at 0.4 dB SNR has it; at 2 dB it has 61 %."""
    min_guess_share: float = 0.3
    """Of the best guess's level. There an output explains half of what its correlation allows; with less it hides in silence."""
    alike_correlation: float = 0.9
    """A quiet output of this shape has the wrong gain."""
    min_correlation: float = 0.2
    """0.2 explains 4 % of the waveform."""
    min_contour: float = 0.5
    """Noise stays below 0.1, other speech below 0.5. A parametric codec that works has 0.6 and more."""
    flipped_correlation: float = -0.6
    """At the best shift, where Codec2, which knows nothing of phases, comes to 0.55 either way."""
    min_delay_gain_db: float = 3.0
    """Where undoing it halves the error, the delay is what is wrong first. Two thirds of a sample left in Opus at 8 kbps gained 1 to 3.4."""
    min_course_gain_db: float = 3.5
    """The same where each half second has a delay of its own, which wins a working codec 2.5 dB at most (Opus between samples, Codec2 by chance)."""
    min_delay_change: int = 2
    """Samples; a delay between two samples is now one, now the other."""
    min_gain: float = 0.79
    """-2 dB, below the gain of the best guess, which is the correlation squared; honest shrinking is no wrong gain."""
    max_gain: float = 1.26
    """+2 dB; noise that is added leaves the gain at 1."""
    max_amplitude_percent: float = 200.0
    """Of an output that is not alike at any shift; parametric codecs stay below 130."""
    max_dropout_share: float = 0.02
    """Of the loud 10 ms of the original; no codec at work loses any, one frame of 20 ms lost in twenty is 0.02 to 0.05."""
    max_offset_share: float = 0.5
    """Of the error; a constant beyond that is what is wrong first."""
    min_offset: float = 0.02
    """Of the original's RMS: -34 dB cannot be what is wrong."""
    max_clipped_share: float = 1e-3
    """Of the samples, flat at the top; speech itself has fewer."""
    min_level_slope: float = 0.5
    """dB of output for a dB of input, from file to file; a codec has 1."""
    min_level_spread_db: float = 3.0
    """Standard deviation of the inputs' levels from which that slope can be seen."""
    min_level_pairs: int = 4
    min_rms: float = 1e-3
    """-60 dBFS: originals below are not judged."""
    judged_db: float = 30.0
    """Originals so far below the mean level are not judged either: losing a pause is no fault."""
    max_length_difference: float = 0.02
    """Of the duration, of two files that ought to be as long; codecs pad by less."""
    min_perplexity: float = 2.0
    """Codes in use on the average; below it is less than a choice of two."""
    min_perplexity_share: float = 0.1
    """Of the codes of a book, once enough were counted."""
    min_loss_fall: float = 0.2
    """Share of the loss that went away while nothing was learned."""


THRESHOLDS = Thresholds()


def correlation_of(snr_db: float, amplitude: float) -> float:
    """The correlation that an SNR in dB and an amplitude ratio imply, for waves without mean: (1 + a^2 - 10^(-s/10)) / (2a); NaN at a = 0.

    From sum (x - y)^2 = sum x^2 + sum y^2 - 2 sum xy. It holds for pooled values of the same samples. Beyond -1 and 1 they were not.
    """
    return (1 + amplitude**2 - 10 ** min(-snr_db / 10, 300)) / (2 * amplitude) if amplitude > 0 else math.nan


def not_finite(measured: str) -> Sign:
    return Sign(
        "not finite",
        measured,
        "numbers only",
        "a learning rate too high, gradients not clipped, a logarithm or root of 0, or half precision",
        "go back to the last good checkpoint, clip gradients, lower the learning rate, and put a floor under logarithms and divisions",
    )


def learns(amplitude_percent: float, correlation: float) -> bool:
    """Whether level and shape are those of a codec that learns: it shrinks what it knows little of.

    The best guess in the sense of MSE has the correlation as its amplitude ratio, and then the SNR is -10 log10(1 - correlation^2).
    """
    return correlation >= THRESHOLDS.min_correlation and amplitude_percent >= 100 * THRESHOLDS.min_guess_share * correlation


def collapse(measured: str) -> Sign:
    return Sign(
        "collapse to silence",
        measured,
        f"amplitude needs {THRESHOLDS.min_amplitude_percent:g} %, or {THRESHOLDS.min_guess_share:g} of a correlation of {THRESHOLDS.min_correlation:g} "
        "and more; silence has exactly 0 dB, so an SNR that creeps up to 0 is no learning",
        "the decoder gets no information, and silence is then the best answer to L1 or MSE: gradients do not reach the encoder through the "
        "quantizer, dead codebooks, a learning rate too high, or too few updates so far",
        "check the gradient path with the quantizer replaced by the identity, overfit one second, and look at the codebooks",
    )


def wrong_gain(measured: str, correlation: float) -> Sign:
    return Sign(
        "wrong gain",
        measured,
        f"needs {least_gain(correlation):.2f} to {THRESHOLDS.max_gain:g}",
        "normalisation that is not undone, full scale of another format (int16 for float), a limit on the output such as tanh, "
        "a loss that does not hear level, or too few updates so far",
        "undo on the way out what is done to the level on the way in, train on the waveform too, and go on",
    )


def least_gain(correlation: float) -> float:
    """The least gain that is no fault at that correlation; the best guess in the sense of MSE has the correlation squared."""
    return THRESHOLDS.min_gain * correlation**2
