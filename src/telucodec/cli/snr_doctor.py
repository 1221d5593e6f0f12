"""`telucodec snr-doctor`: why an output is not like its original, in words."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from telucodec.cli.progress import progress_bar
from telucodec.counting import counted
from telucodec.evaluation.snr_doctor import Diagnosis, examine_files
from telucodec.files import printable, without_nan
from telucodec.metrics.metric import Measured
from telucodec.metrics.signs.logged import implied_correlation, signs_of_numbers
from telucodec.metrics.signs.sign import THRESHOLDS, Sign

LITTLE = 0.7
"""Correlation under which less than half of the waveform is explained, and a reader is told so."""
SPREAD = ("snr_db", "si_sdr_db", "amplitude_percent", "correlation")
UNITS = {
    "snr_db": ("SNR", " dB", ".1f"),
    "si_sdr_db": ("SI-SDR", " dB", ".1f"),
    "amplitude_percent": ("amplitude", " %", ".0f"),
    "correlation": ("correlation", "", ".3f"),
}


def snr_doctor(
    reference: Annotated[Path | None, typer.Argument(help="Original: an audio or video file, or a folder of such.")] = None,
    decoded: Annotated[Path | None, typer.Argument(help="What came out: a file, or a folder of files of the same names.")] = None,
    snr: Annotated[float | None, typer.Option(help="Instead of files: a logged SNR in dB, pooled over its files.")] = None,
    amplitude: Annotated[float | None, typer.Option(help="With --snr: the logged level of the output in % of the input.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every measure and sign as JSON.")] = False,
) -> None:
    """Say why DECODED is not like REFERENCE: collapse to silence, polarity, delay, gain, sample rate ... with the numbers and what to do.

    SNR measures how closely the waveform is followed, not how good it sounds: parametric and neural codecs can sound good at negative SNR.
    Exit code 0: none of the signs; 1: signs were found; 2: it could not be done.

    Example: telucodec snr-doctor original.wav decoded.wav
    """
    files, numbers = (reference, decoded), (snr, amplitude)
    if None not in files and numbers == (None, None):
        with progress_bar("Comparing") as progress:
            found = examine_files(reference, decoded, progress=progress)
        signs, measures, lines, verdict = found.signs, _measures(found), _lines(found), _verdict(found)
    elif None not in numbers and files == (None, None):
        if not (math.isfinite(snr) and math.isfinite(amplitude) and amplitude >= 0):
            raise typer.BadParameter(f"SNR {snr} dB and amplitude {amplitude} % are no numbers of a log; amplitude is 0 or more")
        signs, measures, lines, verdict = _of_numbers(snr, amplitude)
    else:
        raise typer.BadParameter("give two files or folders, REFERENCE and DECODED, or else two numbers, --snr and --amplitude")
    if as_json:
        told = {"healthy": not signs, "signs": [asdict(sign) for sign in signs], **measures, "verdict": verdict}
        typer.echo(json.dumps(without_nan(told), indent=1))
    else:
        for line in [*lines, *map(_words, signs), verdict]:
            typer.echo(line)
    if signs:
        raise typer.Exit(1)


def _words(sign: Sign) -> str:
    rows = [f"{sign.case}: {sign.measured}", f"  threshold: {sign.threshold}", f"  likely:    {sign.causes}", f"  do:        {sign.remedy}"]
    return "\n".join(rows)


def _of_numbers(snr: float, amplitude: float) -> tuple[tuple[Sign, ...], dict, list[str], str]:
    signs = signs_of_numbers(snr, amplitude)
    implied, least, most = implied_correlation(snr, amplitude)
    words = "undefined" if math.isnan(implied) else f"{implied:.2f} ({least:.2f} to {most:.2f} within the rounding)"
    measures = {"snr_db": snr, "amplitude_percent": amplitude, "implied_correlation": implied}
    verdict = f"SNR {snr:g} dB, amplitude {amplitude:g} %, correlation implied by them {words}: "
    if signs:
        return signs, measures, [], verdict + ", ".join(sign.case for sign in signs)
    told = "healthy, as far as two numbers tell; the waves tell more. SNR is not quality: listen"
    if implied < LITTLE:
        told = "none of the signs, but less than half of the waveform is followed; the waves tell more. Listen"
    return signs, measures, [], verdict + told


def _measures(found: Diagnosis) -> dict:
    """Everything that was measured; NaN where there is no value, with its reason."""
    both = found.validation
    pooled = {name: getattr(both, name) for name in ("snr_db", "amplitude_percent", "correlation", "signal_power", "noise_power")}
    return {
        "files": found.num_files,
        "duration_s": found.duration_s,
        "unpaired": list(found.unpaired),
        "pooled": {name: value.value for name, value in pooled.items()},
        "not_measured": {name: value.reason for name, value in pooled.items() if value.reason},
        "spread": {name: dict(zip(("min", "mean", "max", "clips"), both.spread(name), strict=True)) for name in (*SPREAD, "contour")},
        "clips": [
            {
                "name": pair.name,
                **{name: getattr(pair, name).value for name in (*SPREAD, "contour")},
                "noise_power": pair.noise_power,
                "speed": pair.speed,
                "alignment": asdict(pair.alignment) if pair.alignment else None,
                "reference": asdict(pair.reference),
                "estimate": asdict(pair.estimate),
            }
            for pair in found.pairs
        ],
    }


def _lines(found: Diagnosis) -> list[str]:
    """A line for each measure: pooled, and the least, mean and greatest of single clips."""
    both, lines = found.validation, []
    for name in SPREAD:
        label, unit, form = UNITS[name]
        least, mean, most, count = both.spread(name)
        pooled = getattr(both, name, None)
        words = "" if pooled is None else f"pooled {_text(pooled, form, unit)}; "
        of_clips = f"min {least:{form}}, mean {mean:{form}}, max {most:{form}}" if count else "not measured"
        lines.append(f"{label:<12} {words}single clips {of_clips}")
    for side, label in (("reference", "original"), ("estimate", "output")) if found.pairs else ():
        least, most = both.range_of(side)
        waves = [getattr(pair, side) for pair in found.pairs]
        samples = sum(wave.num_samples for wave in waves)
        mean = sum(wave.mean * wave.num_samples for wave in waves) / samples
        std = math.sqrt(max(0.0, sum(wave.energy for wave in waves) / samples - mean**2))
        words = f"{least:.4f} to {most:.4f}, mean {mean:.2g}, std {std:.4g}" if math.isfinite(std) else "not measured: NaN or infinity"
        lines.append(f"{label:<12} {words}")
    signal, noise = _text(both.signal_power, ".3g"), _text(both.noise_power, ".3g")
    lines.append(f"{'power':<12} signal {signal}, noise {noise}")
    if found.unpaired:
        lines.append(
            f"not compared {counted(len(found.unpaired), 'file')} without a counterpart, {', '.join(map(printable, map(Path, found.unpaired[:3])))}"
        )
    return lines


def _text(measured: Measured, form: str, unit: str = "") -> str:
    if math.isnan(measured.value):
        return f"not measured ({measured.reason})"
    return f"{measured.value:{form}}{unit}"


def _verdict(found: Diagnosis) -> str:
    both = found.validation
    of = f"{counted(found.num_files, 'file')}, {found.duration_s:.1f} s"
    if found.signs:
        return f"{of}: {counted(len(found.signs), 'sign')} found: {', '.join(sign.case for sign in found.signs)}"
    numbers = ", ".join(
        f"{UNITS[name][0]} {_text(getattr(both, name), UNITS[name][2], UNITS[name][1])}"
        for name in ("snr_db", "amplitude_percent", "correlation")
    )
    listen = "SNR is not quality: listen, or run `telucodec evaluate`"
    if not both.correlation.value < LITTLE:
        return f"{of}: healthy, none of the signs looked for ({numbers}). {listen}"
    follows = both.spread("contour")[1]
    half = f"Less than half of the waveform is followed, while the spectrum moves with the original by {follows:.2f}"
    if not follows >= THRESHOLDS.min_contour:
        return (
            f"{of}: none of the signs looked for, but little is followed ({numbers}). {half}, too little for any codec that works. {listen}"
        )
    return (
        f"{of}: healthy, none of the signs looked for ({numbers}). {listen}. {half}: so look codecs that make a waveform of their own, "
        "parametric or neural ones, and these can sound good; speech under noise looks so too"
    )
