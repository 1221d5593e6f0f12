"""Run every contender over every clip and measure what comes back.

Whatever goes wrong stays on its clip: a contender that raises, returns another length, NaN, far too loud a sound, or silence for sound has a
failure with its reason there, a metric that raises a hole, and the others go on.
"""

import math
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from telucodec.audio.media import SAMPLE_RATE
from telucodec.audio.sound_file import write_audio
from telucodec.data.executors import end_with_parent
from telucodec.errors import TelucodecError, one_line
from telucodec.evaluation.clips import Clip
from telucodec.evaluation.contender import Contender
from telucodec.evaluation.judge import Judge
from telucodec.evaluation.results import Sample, Trial
from telucodec.evaluation.unfinished import Finished, Unfinished
from telucodec.metrics import SHELF
from telucodec.metrics.alignment import align
from telucodec.metrics.metric import Measured, Metric, NotMeasured, has_sound
from telucodec.metrics.pair import ALIKE
from telucodec.metrics.snr import energy
from telucodec.progress import Progress, untold

Place = tuple[int, Clip, Path | None]
"""A clip's number, itself, and the folder for its sound where it is to be kept."""

DIED = "its process died while it coded, decoded or was measured"


LOUDEST = 1e5
"""Times full scale; what is louder was not decoded. Samples of 16 bits that nobody scaled back are below it, and keep their numbers."""


def compare(
    clips: Sequence[Clip],
    contenders: Sequence[Contender],
    metrics: Sequence[Metric] = SHELF,
    sample_folder: Path | None = None,
    num_samples: int = 3,
    jobs: int = 0,
    unfinished: Unfinished | None = None,
    progress: Progress = untold,
    judge: Judge | None = None,
) -> tuple[list[Trial], list[Sample]]:
    """Measure all contenders on all clips; return one Trial for each pair, clip by clip, and the sound files written.

    The first `num_samples` clips and what became of them go to `sample_folder` as sample_N_original.flac,
    sample_N_reconstructed.flac (the first contender with a model) and sample_N_NAME.flac; their paths are relative to the
    folder two above it, that of the results. A `judge` also counts the words that it no longer understands. `jobs` processes share the clips, so that a codec that
    takes its process down fails on its clip alone; with 0 this process does the work itself. All but the CPU seconds is the same whatever
    their number. What `unfinished` holds is not done again, and what is new goes there.
    """
    for names in ([contender.name for contender in contenders], [clip.name for clip in clips]):
        if len(set(names)) < len(names):
            raise ValueError(f"contenders and clips need names of their own, not {names}")
    first_with_model = next((contender.name for contender in contenders if contender.model), "")
    work = partial(_run_clip, metrics=metrics, judge=judge, first_with_model=first_with_model)
    finished = dict(unfinished.clips) if unfinished else {}
    places = [
        (number, clip, sample_folder if number <= num_samples else None) for number, clip in enumerate(clips, 1) if number not in finished
    ]
    for found in _in_turn(work, places, contenders, jobs):
        finished[found.number] = found
        if unfinished:
            unfinished.add(found)
        progress(len(finished), len(clips), clips[found.number - 1].name)
    in_order = [finished[number] for number in range(1, len(clips) + 1)]
    return [trial for found in in_order for trial in found.trials], [found.sample for found in in_order if found.sample]


def _in_turn(work: Callable, places: Sequence[Place], contenders: Sequence[Contender], jobs: int) -> Iterator[Finished]:
    """Do `work` at each place, in their order."""
    if jobs == 0:
        _warm_up(contenders)
        yield from (work(*place, contenders) for place in places)
        return
    left = list(places)
    while left:
        try:
            with _pool(jobs, contenders) as pool:
                try:
                    for found in [pool.submit(work, *place, contenders) for place in left]:
                        yield found.result()
                        del left[0]
                except BaseException:
                    # Ctrl-C ends the processes too. What has not begun is for the pool's own thread to take back, which trips over what others did.
                    pool.shutdown(cancel_futures=True)
                    raise
        except BrokenProcessPool:
            yield _by_itself(work, left.pop(0), contenders)


def _pool(jobs: int, contenders: Sequence[Contender]) -> ProcessPoolExecutor:
    # Spawned rather than forked: a fork copies a process whose threads may hold locks.
    return ProcessPoolExecutor(jobs, get_context("spawn"), _start_worker, (contenders,))


def _by_itself(work: Callable, place: Place, contenders: Sequence[Contender]) -> Finished:
    """One clip, each contender in a process of its own, to find which of them took its process down; it may be none."""
    number, clip, _ = place
    parts = []
    for contender in contenders:
        try:
            with _pool(1, [contender]) as pool:
                parts.append(pool.submit(work, *place, [contender]).result())
        except BrokenProcessPool:
            metrics = _asked(clip, work.keywords["metrics"], work.keywords["judge"])
            parts.append(Finished(number=number, trials=(_failed(contender, clip, 0.0, DIED, metrics),)))
    samples = [part.sample for part in parts if part.sample]
    decoded = {name: path for sample in samples for name, path in sample.decoded.items()}
    sample = samples[0].model_copy(update={"decoded": decoded}) if samples else None
    return Finished(number=number, trials=tuple(trial for part in parts for trial in part.trials), sample=sample)


def _start_worker(contenders: Sequence[Contender]) -> None:
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback; the first process tells the user
    _warm_up(contenders)


def _warm_up(contenders: Sequence[Contender]) -> None:
    """Let each contender load what it needs, so that no clip's CPU seconds pay for it."""
    wave = np.random.default_rng(0).normal(0, 0.1, (1, SAMPLE_RATE // 2)).astype(np.float32)
    for contender in contenders:
        if contender.missing:
            continue
        with suppress(Exception):  # it will fail again, on a clip, where the reason is kept
            contender.decode(contender.encode(wave))


def _run_clip(
    number: int,
    clip: Clip,
    folder: Path | None,
    contenders: Sequence[Contender],
    metrics: Sequence[Metric],
    judge: Judge | None,
    first_with_model: str,
) -> Finished:
    """All contenders on one clip; with a folder, also the sound files of sample `number`."""
    metrics = _asked(clip, metrics, judge)
    wave, reason = _read(clip)
    if wave is None:
        return Finished(number=number, trials=tuple(_failed(contender, clip, 0.0, reason, metrics) for contender in contenders))
    outcomes = [_run(contender, clip, wave, metrics) for contender in contenders]
    trials = tuple(trial for trial, _ in outcomes)
    if folder is None:
        return Finished(number=number, trials=trials)

    def kept(sound: np.ndarray, kind: str) -> str:
        path = folder / f"sample_{number}_{kind}.flac"
        write_audio(path, sound, SAMPLE_RATE)
        return path.relative_to(folder.parents[1]).as_posix()

    original, decoded = kept(wave, "original"), {}
    for trial, output in outcomes:
        if output is not None:
            kind = "reconstructed" if trial.contender == first_with_model else trial.contender
            decoded[trial.contender] = kept(output, kind)
    sample = Sample(clip=clip.name, original=original, decoded=decoded)
    return Finished(number=number, trials=trials, sample=sample)


def _read(clip: Clip) -> tuple[np.ndarray | None, str]:
    """Its wave [1, T], or None and why there is none to compare with."""
    try:
        wave = clip.read()
    except TelucodecError as error:
        return None, f"the clip cannot be read: {one_line(error)}"
    wrong = _no_sound(wave)
    return (None, f"the clip {wrong}") if wrong else (wave, "")


def _no_sound(wave: np.ndarray) -> str:
    """What makes `wave`, of any shape, no sound that numbers can be told of; empty where nothing does."""
    loudest = float(np.max(np.abs(wave), initial=0.0))
    if not math.isfinite(loudest):
        return "holds NaN or infinity"
    return f"reaches {loudest:.1g} times full scale" if loudest > LOUDEST else ""


def _asked(clip: Clip, metrics: Sequence[Metric], judge: Judge | None) -> list[Metric]:
    return [*metrics, *(judge.metrics(clip.text) if judge else ())]


def _run(contender: Contender, clip: Clip, wave: np.ndarray, metrics: Sequence[Metric]) -> tuple[Trial, np.ndarray | None]:
    """One contender on one wave [1, T]; the output only where it is one that can be compared."""
    duration_s = wave.shape[-1] / SAMPLE_RATE
    if contender.missing:
        return _failed(contender, clip, duration_s, f"not available: {contender.missing}", metrics), None
    coded = {}
    try:
        began = _cpu_s()
        packed = contender.encode(wave)
        encoded = _cpu_s()
        num_bytes = contender.num_bytes(packed)
        payload = contender.num_payload_bytes(packed) if contender.num_payload_bytes else num_bytes
        coded = {"num_bytes": num_bytes, "num_payload_bytes": payload, "encode_s": encoded - began}
        unpacking = _cpu_s()
        output = contender.decode(packed)
        coded["decode_s"] = _cpu_s() - unpacking
    except Exception as error:  # noqa: BLE001 - any codec may come here, and none may end the comparison
        return _failed(contender, clip, duration_s, f"{type(error).__name__}: {one_line(error)}", metrics, **coded), None
    if output.shape != wave.shape:
        reason = f"{output.shape[-1]} samples came back for {wave.shape[-1]}"
        return _failed(contender, clip, duration_s, reason, metrics, **coded), None
    if wrong := _no_sound(output):
        return _failed(contender, clip, duration_s, f"the output {wrong}", metrics, **coded), None
    reference, estimate = wave[0].astype(np.float64), output[0].astype(np.float64)
    found = {metric.name: _measured(metric, reference, estimate) for metric in metrics}
    trial = Trial(
        contender=contender.name,
        clip=clip.name,
        group=clip.group,
        language=clip.language,
        duration_s=duration_s,
        delay=_delay(reference, estimate),
        signal_energy=energy(reference),
        noise_energy=energy(reference - estimate),
        failure="the output is silent" if has_sound(reference) and not has_sound(estimate) else "",
        values={name: None if measured.reason else measured.value for name, measured in found.items()},
        holes={name: measured.reason for name, measured in found.items() if measured.reason},
        **coded,
    )
    return trial, output


def _measured(metric: Metric, reference: np.ndarray, estimate: np.ndarray) -> Measured:
    try:
        return metric.measure(reference, estimate)
    except Exception as error:  # noqa: BLE001 - packages measure too, and none may end the comparison
        return Measured(math.nan, f"{type(error).__name__}: {one_line(error)}")


def _delay(reference: np.ndarray, estimate: np.ndarray) -> int | None:
    """Samples by which `estimate` [T] is late, where it is like `reference` [T] at some shift."""
    try:
        found = align(reference, estimate)
    except NotMeasured:
        return None
    return found.delay if found.correlation >= ALIKE else None


def _cpu_s() -> float:
    """CPU seconds of this process and, in steps of 10 ms, of the programs it ran, such as a baseline's decoder."""
    children = os.times()
    return time.process_time() + children.children_user + children.children_system


def _failed(contender: Contender, clip: Clip, duration_s: float, reason: str, metrics: Sequence[Metric], **coded) -> Trial:
    holes = {metric.name: reason for metric in metrics}
    values = dict.fromkeys(holes)
    known = {"contender": contender.name, "clip": clip.name, "group": clip.group, "language": clip.language, "duration_s": duration_s}
    return Trial(**known, **coded, failure=reason, values=values, holes=holes)
