"""From a trained recogniser to a bundle without PyTorch, with the proof that it writes the same texts, and how fast it is."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from telucodec.audio.media import SAMPLE_RATE
from telucodec.data.manifest import read_manifest, read_segment
from telucodec.data.transcript import normalised
from telucodec.errors import DataError, ModelError
from telucodec.export.bundle_folder import bundle_folder
from telucodec.export.eight_bits import in_eight_bits
from telucodec.export.graphs import exported
from telucodec.files import write_whole
from telucodec.models.one_thread import on_one_thread
from telucodec.progress import Progress, untold
from telucodec.recognizer.bundle import ACOUSTIC, FILE_NAME, LM, Recognizer, RecognizerInfo, load_bundle, long_enough, sayable
from telucodec.recognizer.decode import best_path
from telucodec.recognizer.examples import transcribed
from telucodec.recognizer.ngram import NGram
from telucodec.recognizer.score import error_rates
from telucodec.recognizer.store import Trained, load_recognizer
from telucodec.recognizer.text import in_script
from telucodec.training.run_folder import RunFolder
from telucodec.training.validate import evenly

LARGEST_DIFFERENCE = 1e-2
"""Of a log-probability, between PyTorch and onnxruntime in float32; usual is 1e-4."""
MOST_LOST = 0.005
"""CER that 8 bits may cost."""
TRACED_FRAMES, MOST_FRAMES = 400, 100_000
MOST_CLIPS = 150


@dataclass(frozen=True)
class Check:
    """What the clips that were tried say of a bundle."""

    num_clips: int
    same_texts: float
    """Share of clips with the same text before and after, 0 to 1."""
    largest_difference: float
    """Of a log-probability."""
    cer_before: float
    cer_after: float
    wer_before: float
    wer_after: float
    seconds_before: float
    """CPU seconds for a second of sound, one thread, frames and best path included."""
    seconds_after: float
    bytes_before: int
    bytes_after: int
    lm_perplexity: float
    """Of the language model on the clips' texts, symbols; NaN without one."""
    num_read: int
    """Clips whose texts are among the prompts, on which the perplexity says nothing of others."""
    unsayable: tuple[str, ...]
    """Prompts that the units cannot say, on which the language model was not counted."""


def optimize(
    run: Path,
    out: Path,
    manifest: Path | None,
    int8: bool = False,
    prompts: Sequence[str] = (),
    order: int = 6,
    lm_weight: float = 0.5,
    progress: Progress = untold,
) -> Check:
    """Write the recogniser of `run` to `out` as a bundle and compare the two on the clips of `manifest`, the run's own val.csv where None.

    `prompts` are sentences for a language model, which is counted on those that the units can say. Raises ModelError where texts differ,
    or 8 bits cost more CER than MOST_LOST; nothing is written then.
    """
    model, trained = load_recognizer(run)
    manifest = manifest or RunFolder(run).data() / "val.csv"
    graph = _graph(model, trained.config.features.num_bands)
    if int8:
        graph = in_eight_bits(graph)
    info = RecognizerInfo(
        script=trained.config.script, features=trained.config.features, units=trained.units, lm_weight=lm_weight if prompts else 0.0
    )
    lm, unsayable = language_model(prompts, trained, order) if prompts else (None, ())
    read = frozenset(in_script(normalised(line), trained.config.script) for line in prompts)
    with bundle_folder(out, FILE_NAME, LM) as beside:
        write_whole(beside / ACOUSTIC, graph)
        write_whole(beside / FILE_NAME, info.model_dump_json(indent=1).encode())
        if lm:
            lm.save(beside / LM)
        num_bytes = sum(path.stat().st_size for path in beside.iterdir())
        found = _compare(model, trained, load_bundle(beside, use_lm=False), lm, read, unsayable, manifest, num_bytes, progress)
        _judge(found, int8)
    return found


def language_model(prompts: Sequence[str], trained: Trained, order: int) -> tuple[NGram, tuple[str, ...]]:
    """Counted from those of `prompts` that the units can say; and the others. Raises DataError where there is none to count from."""
    lines = [line for line in prompts if line.strip()]
    encoded = [sayable(line, trained.units, trained.config.script) for line in lines]
    sentences = [sentence.tolist() for sentence in encoded if sentence is not None]
    if not sentences:
        raise DataError("none of the prompts can be said with the recogniser's units; give sentences of its language")
    unsayable = tuple(line for line, sentence in zip(lines, encoded, strict=True) if sentence is None)
    return NGram.of(sentences, order, trained.units.size), unsayable


def _graph(model: nn.Module, num_bands: int) -> bytes:
    """`model` as an ONNX file, for one clip of any length."""
    frames = torch.export.Dim("frames", min=8, max=MOST_FRAMES)
    return exported(model.requires_grad_(False), (torch.randn(1, TRACED_FRAMES, num_bands),), {"frames": {1: frames}})


@on_one_thread()
def _compare(
    model: nn.Module,
    trained: Trained,
    bundle: Recognizer,
    lm: NGram | None,
    read: frozenset[str],
    unsayable: tuple[str, ...],
    manifest: Path,
    num_bytes: int,
    progress: Progress,
) -> Check:
    config, units = trained.config, trained.units
    told = transcribed(read_manifest(manifest), config.script, config.batches.longest_s)
    chosen = evenly(range(len(told.rows)), MOST_CLIPS)
    if not chosen:
        raise DataError(f"{manifest}: has no row with a text to compare the bundle on; left out: {told.reasons}; name another with --data")
    difference, spent, heard_s, texts = 0.0, [0.0, 0.0], 0.0, ([], [])
    for done, number in enumerate(chosen):
        wave = long_enough(read_segment(told.rows[number], manifest.parent)[0])  # a bundle hears nothing shorter
        began = time.process_time()
        with torch.no_grad():
            before = model(torch.from_numpy(config.features.apply_to(wave))[None])[0].numpy()
        texts[0].append(units.decode(best_path(before).numbers))
        middle = time.process_time()
        after = bundle.log_probs(wave)
        texts[1].append(units.decode(best_path(after).numbers))
        spent = [spent[0] + middle - began, spent[1] + time.process_time() - middle]
        difference = max(difference, float(np.abs(after - before).max()))
        heard_s += len(wave) / SAMPLE_RATE
        progress(done + 1, len(chosen), told.rows[number].recording)
    said = [told.texts[number] for number in chosen]
    rates = [error_rates(said, heard, intervals=False) for heard in texts]
    known = [numbers.tolist() for text in said if (numbers := units.encode(text)) is not None]
    return Check(
        num_clips=len(chosen),
        same_texts=sum(first == second for first, second in zip(*texts, strict=True)) / len(chosen),
        largest_difference=difference,
        cer_before=rates[0].cer,
        cer_after=rates[1].cer,
        wer_before=rates[0].wer,
        wer_after=rates[1].wer,
        seconds_before=spent[0] / heard_s,
        seconds_after=spent[1] / heard_s,
        bytes_before=sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values()),
        bytes_after=num_bytes,
        lm_perplexity=lm.perplexity(known) if lm else float("nan"),
        num_read=sum(text in read for text in said),
        unsayable=unsayable,
    )


def _judge(found: Check, int8: bool) -> None:
    if int8 and not found.cer_after <= found.cer_before + MOST_LOST:
        raise ModelError(
            f"8 bits cost {100 * (found.cer_after - found.cer_before):.2f} points of CER, more than {100 * MOST_LOST:g}; leave --int8 out"
        )
    if not int8 and not (found.same_texts == 1 and found.largest_difference <= LARGEST_DIFFERENCE):
        raise ModelError(
            f"the bundle is not the trained recogniser: {100 * found.same_texts:.1f} % of the texts are the same, "
            f"log-probabilities differ by up to {found.largest_difference:.2g}"
        )
