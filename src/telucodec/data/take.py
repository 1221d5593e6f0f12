"""What is wrong with a take, told to the speaker while it can still be mended: the doctor's measures, with a studio's thresholds and remedies.

Nothing here forbids a take; the speaker decides.
"""

from dataclasses import replace
from pathlib import Path

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.doctor import DoctorConfig, Finding, findings_on, in_order
from telucodec.data.measures import Measures, measure
from telucodec.data.phones import phones

MIN_TAKE_S = 1.0
"""A codec is trained on segments of this length at least."""

MAX_SOUNDS_PER_S = 30.0
"""Fast speakers reach 20; beyond that the recording began too late or ended too early, or words were left out."""

TAKE_CONFIG = DoctorConfig(
    segment_s=1 / SAMPLE_RATE,  # no padding: what is too short is judged by the sentence
    min_peak=0.05,  # -26 dBFS: coming nearer costs nothing now, gain given later raises the noise as well
)

REMEDIES = {
    "mostly silent": "check that the microphone is plugged in, chosen and not muted",
    "too quiet": "come nearer to the microphone, or turn its gain up",
    "clipped": "move back from the microphone, or turn its gain down",
    "no speech": "nothing sounds like a voice; check which microphone is chosen",
    "music-like": "turn the music or the humming machine off",
    "noisy": "come nearer, or go to a quieter room: close windows, switch fans off",
    "band-limited": "choose another microphone; telephone headsets cut the treble off",
    "hum": "use another cable or socket, or run on battery",
    "DC offset": "use another socket or sound card",
    "too short": "begin to speak after pressing record, and press stop after the last word",
}


LEVEL_CASES = {"mostly silent", "too quiet", "clipped", "DC offset"}
"""What a take that is too short is judged by; noise shows between words only."""


def judge(path: Path, text: str) -> tuple[Measures, tuple[Finding, ...]]:
    """Return the measures of the sound file `path`, in which `text` should be read, and what is wrong with it, the worst first."""
    measures, _ = measure(path, TAKE_CONFIG.segment_s)
    findings = list(findings_on(measures, TAKE_CONFIG))
    needed_s = max(MIN_TAKE_S, (len(phones(text)) - 2) / MAX_SOUNDS_PER_S)
    if measures.duration_s < needed_s:
        too_short = Finding("too short", f"{measures.duration_s:.1f} s", f"this sentence needs {needed_s:.1f} s", "")
        findings = [*(finding for finding in findings if finding.case in LEVEL_CASES), too_short]
    return measures, in_order([replace(finding, remedy=REMEDIES.get(finding.case, finding.remedy)) for finding in findings])
