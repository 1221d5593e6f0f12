"""`telucodec bound`: what SNR speech allows at a rate, before any codec is trained."""

import json
from pathlib import Path
from typing import Annotated

import typer

from telucodec.cli.progress import progress_bar
from telucodec.evaluation.bound import bound as estimate
from telucodec.metrics.rate_distortion import judge


def bound(
    audio: Annotated[Path, typer.Argument(help="An audio or video file, a folder of sound files, or a manifest (.csv, .jsonl).")],
    kbps: Annotated[list[float] | None, typer.Option(min=0.01, max=1000, help="Rate to look at; may be repeated.")] = None,
    snr: Annotated[float | None, typer.Option(min=0.01, max=200, help="SNR in dB that is wanted at --kbps.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Estimate what SNR can be hoped for at a rate from your own audio, and what rate an SNR would take.

    Two Gaussian estimates. One knows the level of 200-Hz bands for nothing: what the shipped codec's fidelity mode reaches, to a decibel or
    two. The other knows that of every four coefficients: optimistic, no codec measured here gets there. Neither is a proof or says how a codec
    sounds: good ones change the waveform and sound well at a low SNR.

    Example: telucodec bound talk.mp4 --kbps 4 --snr 35
    """
    with progress_bar("Listening") as progress:
        found = estimate(audio, progress)
    rates = kbps or [1.5, 3.0, 6.0, 12.0, 24.0]
    reachable = {rate: found.snr_db_for(rate) for rate in rates}
    targets = [] if snr is None else [judge(found, rate, snr) for rate in rates]
    if as_json:
        told = {"audio": str(audio), "heard_s": found.duration_s, "optimistic": "fine"}
        told["reachable_db"] = [{"kbps": rate, "coarse": low, "fine": high} for rate, (low, high) in reachable.items()]
        if targets:
            needed = targets[0].needed_kbps
            told["target"] = {"snr_db": snr, "needed_kbps": {"fine": needed[0], "coarse": needed[1]}}
            told["verdicts"] = [{"kbps": target.kbps, "verdict": target.verdict} for target in targets]
        typer.echo(json.dumps(told))
        return
    for rate, (low, high) in reachable.items():
        typer.echo(f"{rate:6g} kbps: about {low:.1f} dB, optimistically {high:.1f} dB")
    for target in targets:
        fine, coarse = target.needed_kbps
        typer.echo(f"{snr:g} dB at {target.kbps:g} kbps: {target.verdict}; that SNR takes {fine:.1f} to {coarse:.1f} kbps")
    typer.echo(f"{audio}: an estimate from {found.duration_s:.0f} s of sound; no codec is measured here, `telucodec evaluate` does that")
