"""Signs in pairs of waves: each pair is judged by itself, and what several show is told once."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from telucodec.counting import counted
from telucodec.metrics.metric import SAMPLE_RATE, SILENCE_RMS
from telucodec.metrics.pair import ALIKE, Pair
from telucodec.metrics.signs.sign import THRESHOLDS, Sign, collapse, learns, least_gain, not_finite, wrong_gain

CASES = (
    "not finite",
    "constant output",
    "collapse to silence",
    "wrong sample rate",
    "not decoding",
    "sound lost",
    "too loud",
    "polarity flipped",
    "delay changes",
    "delay",
    "wrong gain",
    "level erased",
    "constant offset",
    "clipping",
    "clicks at boundaries",
)
"""The worst first."""


def signs_of_pairs(pairs: Sequence[Pair]) -> tuple[Sign, ...]:
    """Return the signs in `pairs`, the worst first, nothing if none has one."""
    found: dict[str, list[tuple[Pair, Sign]]] = {}
    loud = judged(pairs)
    signs = [(pair, sign) for pair in pairs for sign in _not_finite(pair)]
    signs += [(pair, sign) for pair in loud for sign in _signs_of_pair(pair)]
    for pair, sign in signs:
        found.setdefault(sign.case, []).append((pair, sign))
    together = [_together(which, len(pairs)) for which in found.values()]
    if not {"constant output", "collapse to silence", "not decoding"} & set(found) and (erased := _level_erased(loud)):
        together = [erased, *(sign for sign in together if sign.case != "wrong gain")]  # which it explains
    return tuple(sorted(together, key=lambda sign: CASES.index(sign.case)))


def judged(pairs: Sequence[Pair]) -> list[Pair]:
    """Return those of `pairs` that are finite and whose original is loud enough to judge the output by: losing a pause is no fault."""
    finite = [pair for pair in pairs if not (pair.reference.num_not_finite or pair.estimate.num_not_finite)]
    loud = [pair for pair in finite if pair.reference.rms >= THRESHOLDS.min_rms]
    if not loud:
        return []
    power = math.fsum(pair.reference.energy for pair in loud) / sum(pair.reference.num_samples for pair in loud)
    return [pair for pair in loud if pair.reference.power >= power * 10 ** (-THRESHOLDS.judged_db / 10)]


def _together(found: list[tuple[Pair, Sign]], num_pairs: int) -> Sign:
    """One sign of several, with the numbers of the loudest pair."""
    pair, sign = max(found, key=lambda each: -1.0 if math.isnan(each[0].reference.energy) else each[0].reference.energy)
    where = tuple(pair.name for pair, _ in found)
    if num_pairs > 1:
        of = f" ({pair.name})" if pair.name else ""
        sign = replace(sign, measured=f"{sign.measured}{of}; {len(found)} of {num_pairs} pairs")
    return replace(sign, where=where)


def _not_finite(pair: Pair) -> Iterator[Sign]:
    for name, wave in (("original", pair.reference), ("output", pair.estimate)):
        if wave.num_not_finite:
            yield not_finite(f"{wave.num_not_finite} of {wave.num_samples} samples of the {name} are NaN or infinite")


def _signs_of_pair(pair: Pair) -> Iterator[Sign]:
    """Yield what is wrong with a finite pair whose original is heard; what explains all the rest is told alone."""
    amplitude, here = pair.amplitude_percent.value, pair.correlation.value
    best = pair.alignment
    if pair.estimate.std <= SILENCE_RMS < min(abs(pair.estimate.mean), pair.reference.std):
        yield _constant(pair)
        return
    alike = best is not None and abs(best.correlation) >= ALIKE
    quiet = amplitude < THRESHOLDS.min_amplitude_percent and not (alike and abs(best.correlation) >= THRESHOLDS.alike_correlation)
    if quiet and not learns(amplitude, best.correlation if alike else here):
        yield _collapse(pair)
        return
    other_rate = not math.isnan(pair.speed)
    changes = pair.course.change >= THRESHOLDS.min_delay_change and pair.course.won_db >= THRESHOLDS.min_course_gain_db
    unlike = not alike and not changes and abs(here) < THRESHOLDS.min_correlation and pair.contour.value < THRESHOLDS.min_contour
    if changes and not other_rate:
        yield _delay_changes(pair)
    elif not alike:
        if other_rate:
            yield _wrong_rate(pair)
        elif unlike:
            yield _not_decoding(pair)
        elif amplitude > THRESHOLDS.max_amplitude_percent:
            yield _too_loud(pair)
    else:
        if best.correlation <= THRESHOLDS.flipped_correlation:
            yield _flipped(pair)
        if best.delay and _db(1 - here**2) - _db(1 - best.correlation**2) >= THRESHOLDS.min_delay_gain_db:
            yield _delay(pair)
        yield from _gain(pair)
    lost = pair.dropouts.share > THRESHOLDS.max_dropout_share
    if lost and not (other_rate or unlike):
        yield _lost(pair)
    yield from _offset(pair)
    yield from _clipping(pair)
    if pair.clicks.count and not lost:
        yield _clicks(pair)


def _constant(pair: Pair) -> Sign:
    return Sign(
        "constant output",
        f"every sample is {pair.estimate.mean:.3g}",
        "sound varies",
        "a dead network that only its last bias comes through: saturated activations, or weights gone to zero",
        "look at the last layer's input and weights, lower the learning rate, start again",
    )


def _collapse(pair: Pair) -> Sign:
    level, shape = f"amplitude {pair.amplitude_percent.value:.3g} %", f"correlation {_number(pair.correlation.value)}"
    return collapse(f"{level} at SNR {_number(pair.snr_db.value, ' dB')} and {shape}")


def _wrong_rate(pair: Pair) -> Sign:
    return Sign(
        "wrong sample rate",
        f"the output is the original {pair.speed:.3g} times as fast",
        "must be 1",
        "sound of one rate taken for another: a header that was ignored, or a model trained at another rate",
        "resample to the model's rate on the way in, and write its rate to the header",
    )


def _not_decoding(pair: Pair) -> Sign:
    return Sign(
        "not decoding",
        f"correlation {_number(pair.correlation.value)} at amplitude {pair.amplitude_percent.value:.0f} %, "
        f"and the spectrum moves with the original by {_number(pair.contour.value)}",
        f"needs {THRESHOLDS.min_correlation:g}, or {THRESHOLDS.min_contour:g} of the spectrum",
        "the output is not made from this input: other weights than those of the encoder, codes in another order, files that do not belong "
        "together, a delay of more than a quarter of a second, or an untrained decoder",
        "decode with the model it was encoded with, check that both files are of one recording, and overfit one second",
    )


def _lost(pair: Pair) -> Sign:
    return Sign(
        "sound lost",
        f"{100 * pair.dropouts.share:.0f} % of the loud parts of the original are silent in the output, the first at {pair.dropouts.first_s:.2f} s",
        f"at most {100 * THRESHOLDS.max_dropout_share:g} %",
        "frames lost and not made up for, a decoder that stopped early, or a buffer that ran empty",
        "count the frames that were written, decoded and put together, and look at what is special about the first that is missing",
    )


def _too_loud(pair: Pair) -> Sign:
    return Sign(
        "too loud",
        f"amplitude {pair.amplitude_percent.value:.0f} % at correlation {_number(pair.correlation.value)}",
        f"at most {THRESHOLDS.max_amplitude_percent:g} % where the waveform is not followed",
        "noise above the level of the speech, integers that overflow and wrap around, or a decoder that diverges",
        "look at the largest samples and at where they begin, clamp before the output becomes integers, and train on the waveform too",
    )


def _flipped(pair: Pair) -> Sign:
    return Sign(
        "polarity flipped",
        f"correlation {pair.alignment.correlation:.2f} at SNR {_number(pair.snr_db.value, ' dB')}",
        f"must be above {THRESHOLDS.flipped_correlation:g}; a perfect copy upside down has -6.0 dB",
        "a sign lost on the way: in the transform, in the last layer, or by a loss that does not see it, as those on magnitudes or SI-SDR",
        "turn the output over, and add a loss on the waveform if only magnitudes are trained",
    )


def _delay(pair: Pair) -> Sign:
    best = pair.alignment
    return Sign(
        "delay",
        f"the output comes {counted(abs(best.delay), 'sample')} too {'late' if best.delay > 0 else 'early'}; "
        f"shifted back, its correlation is {best.correlation:.3f} where it is {_number(pair.correlation.value)}",
        f"undoing it may win {THRESHOLDS.min_delay_gain_db:g} dB at most",
        "padding or trimming in a convolution, the codec's own delay left in, or pre-skip not removed; a few samples ruin the SNR",
        "shift before measuring, and trim the decoder's output by its delay",
    )


def _delay_changes(pair: Pair) -> Sign:
    places = [each for number, each in enumerate(pair.course.delays) if not number or each[1] != pair.course.delays[number - 1][1]]
    shown = places if len(places) <= 4 else [*places[:3], places[-1]]
    course = ", ".join(f"{counted(abs(delay), 'sample')} {'early' if delay < 0 else 'late'} from {at_s:.1f} s on" for at_s, delay in shown)
    return Sign(
        "delay changes",
        f"the output comes {course}; with these delays the error is {pair.course.won_db:.1f} dB lower than with one for all",
        f"they may win {THRESHOLDS.min_course_gain_db:g} dB at most",
        "frames lost or doubled, samples dropped by a buffer, or a recording and a playback whose clocks differ",
        "count the samples in and out of each step, and resample by the ratio of the clocks where there are two",
    )


def _gain(pair: Pair) -> Iterator[Sign]:
    best = pair.alignment
    if not least_gain(best.correlation) <= best.gain <= THRESHOLDS.max_gain:
        level = f"{best.gain:.3g} times the original (amplitude {pair.amplitude_percent.value:.0f} %)"
        yield wrong_gain(f"the output is {level} at correlation {abs(best.correlation):.2f}", best.correlation)


def _offset(pair: Pair) -> Iterator[Sign]:
    offset = pair.estimate.mean - pair.reference.mean
    share = offset**2 * pair.reference.num_samples / pair.noise_energy if pair.noise_energy > 0 else 0.0
    if abs(offset) > THRESHOLDS.min_offset * pair.reference.rms and share > THRESHOLDS.max_offset_share:
        yield Sign(
            "constant offset",
            f"mean {pair.estimate.mean:.3g} where the original has {pair.reference.mean:.3g}, {100 * share:.0f} % of the error",
            f"at most {100 * THRESHOLDS.max_offset_share:g} %",
            "a bias in the last layer, or unsigned samples read as signed",
            "take the bias away or train on, and check the sample format",
        )


def _clipping(pair: Pair) -> Iterator[Sign]:
    share = pair.estimate.clipped_share
    if share > max(THRESHOLDS.max_clipped_share, 3 * pair.reference.clipped_share):
        top = max(-pair.estimate.least, pair.estimate.most)
        yield Sign(
            "clipping",
            f"{100 * share:.2g} % of the output lies flat at {top:.3g}, of the original {100 * pair.reference.clipped_share:.2g} %",
            f"at most {100 * THRESHOLDS.max_clipped_share:g} %",
            "more level than full scale holds, or a saturated output such as tanh or clamp",
            "lower the gain, or leave the limit on the output out",
        )


def _clicks(pair: Pair) -> Sign:
    period, count = pair.clicks
    return Sign(
        "clicks at boundaries",
        f"{count} jumps of the error at distances of {period} samples ({1000 * period / SAMPLE_RATE:g} ms)",
        "none at equal distances",
        "segments decoded one by one without what came before them, and put together without overlap",
        "pass the state on from segment to segment, or decode with overlap",
    )


def _level_erased(pairs: Sequence[Pair]) -> Sign | None:
    """Whether the outputs' levels follow their inputs', seen in alike pairs of different level."""
    alike = [pair for pair in pairs if pair.alignment and abs(pair.alignment.correlation) >= ALIKE]
    inputs = np.array([20 * math.log10(pair.reference.rms) for pair in alike])
    outputs = np.array([20 * math.log10(pair.estimate.rms) for pair in alike])
    if len(alike) < THRESHOLDS.min_level_pairs or inputs.std() < THRESHOLDS.min_level_spread_db:
        return None
    slope = float((inputs - inputs.mean()) @ (outputs - outputs.mean()) / np.square(inputs - inputs.mean()).sum())
    if slope >= THRESHOLDS.min_level_slope:
        return None
    return Sign(
        "level erased",
        f"where the original is 10 dB louder the output is {round(10 * slope, 1) + 0.0:.1f} dB louder, over {len(alike)} pairs",
        f"needs {10 * THRESHOLDS.min_level_slope:g}",
        "each file is normalised on the way in, and its level not sent",
        "send the level, normalise by a constant, or not at all",
        tuple(pair.name for pair in alike),
    )


def _db(share: float) -> float:
    return 10 * math.log10(max(share, 1e-12))


def _number(value: float, unit: str = "") -> str:
    return "not measured" if math.isnan(value) else f"{value:.2f}{unit}"
