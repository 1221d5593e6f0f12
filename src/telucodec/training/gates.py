"""What a run checks in its first minute, before it spends hours: each gate names the fault it found, and its cause.

Most ways in which such a codec fails show on one second of sound and an untrained model.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from telucodec.data.manifest import Segment
from telucodec.data.split import also_in
from telucodec.losses.sum import SumConfig
from telucodec.models.quantizers.quantizer import Quantized
from telucodec.models.vq_codec import VQCodec
from telucodec.training.recipe import RecipeConfig

LEAST_UPDATES = 1_500
"""The founding failure had 1,400; the fastest preset here follows speech after 500 and is far from done at 1,500."""
GAINS = (0.03, 0.1, 0.3, 1.0)
MOST_OF_SILENCE = 0.95
"""What such speech may cost of what silence does; by chance it is never quite unlike the original."""
OVERFIT_UPDATES = 600
"""At most; a codec that learns needs 30 to 400."""
OVERFIT_S = 1.0
MOST_OF_LOSS = 0.8
"""What may be left of it after that."""
LEAST_CORRELATION = 0.5
MOST_LOST_DB, MOST_LOST_CORRELATION = 3.0, 0.2
"""From training mode to evaluation mode."""
MOST_ERROR = 0.4
"""Of the latents' variance; codebooks at random places leave 0.7 to 2.5, those of k-means 0.25 at most."""


@dataclass(frozen=True)
class Verdict:
    """What one gate found."""

    gate: str
    passed: bool
    measured: str
    cause: str = ""
    """What is behind a failure, and what to do."""
    noted: bool = False
    """Passed, and yet to be known."""

    def __str__(self) -> str:
        said = "noted " if self.noted else "passed" if self.passed else "FAILED"
        return f"{said}  {self.gate}: {self.measured}" + (f"; {self.cause}" if self.noted or not self.passed else "")


@dataclass(frozen=True)
class Plan:
    """What a run is going to do."""

    updates: float
    """NaN where only time limits it and no update was timed."""
    heard_hours: float


def check(codec: VQCodec, recipe: RecipeConfig, wave: np.ndarray, plan: Plan) -> Iterator[Verdict]:
    """Look at an untrained or half-trained `codec`, which stays as it is, with the crops `wave` [B, 1, T] of real speech."""
    crops = torch.from_numpy(wave)
    yield planned(plan, recipe)
    yield gradient_path(copy.deepcopy(codec), crops)
    yield causality(copy.deepcopy(codec), crops)
    yield no_refuge(recipe.loss, crops, codec.config.sample_rate)
    yield own_sound(copy.deepcopy(codec), crops)
    yield full_scale(codec)
    yield codebooks_at_latents(codec, crops)
    yield revival(copy.deepcopy(codec), crops)
    yield from overfits(copy.deepcopy(codec), recipe, crops)


def apart(rows: Sequence[Segment], validation: Sequence[Segment]) -> Verdict:
    """Rows to validate with that are among those to learn from are told, and no fault: they may be all there is."""
    repeated = also_in(validation, rows)
    measured = f"{len(repeated)} of {len(validation)} rows of val.csv are in train.csv too"
    if repeated:
        measured += f", the first is {repeated[0].recording} at {repeated[0].start_s:g} s"
    cause = "sound or sentence were learned from, so what is measured there flatters; `telucodec manifest split` keeps them apart"
    return Verdict("validation apart from training", True, measured, cause, noted=bool(repeated))


def planned(plan: Plan, recipe: RecipeConfig) -> Verdict:
    gate, measured = "planned updates", f"{plan.updates:,.0f} updates hear {plan.heard_hours:.1f} hours of sound"
    if plan.updates < LEAST_UPDATES:
        cause = f"fewer than {LEAST_UPDATES:,} are too few to judge a codec by; give it more --minutes or --updates, or a smaller preset"
        return Verdict(gate, False, measured, cause)
    start = recipe.adversarial.start_update if recipe.adversarial else 0
    judged = plan.updates - start
    some, few = not judged < 1, judged < LEAST_UPDATES
    if few:
        measured += f", {max(0.0, judged):,.0f} of them with discriminators"
    cause = (
        f"these join after {start:,} and tell little in fewer than {LEAST_UPDATES:,} more; give it more --minutes or --updates, "
        "or take a recipe without them"
    )
    return Verdict(gate, some, measured, cause, noted=some and few)


def gradient_path(codec: VQCodec, crops: Tensor) -> Verdict:
    """With the quantizer and with the identity in its place, the encoder must get gradients of one size and direction."""

    def gradient() -> Tensor:
        codec.zero_grad()
        estimate, _ = codec(crops)
        (estimate - crops[..., : estimate.shape[-1]]).square().mean().backward()
        return torch.cat([torch.zeros(1)] + [p.grad.flatten() for p in codec.encoder.parameters() if p.grad is not None])

    codec.train().requires_grad_(True)
    with _fixed_random():
        quantised = gradient()
        codec.quantizer.forward = lambda latent, active=None: _identity(latent)
        identity = gradient()
    if not len(identity) > 1 or not float(identity.norm()) > 0:
        return Verdict(
            "gradient path",
            False,
            "no gradient reaches the encoder, even without quantizer",
            "the encoder is detached or the decoder ignores its input; look for .detach() and torch.no_grad() on the way",
        )
    ratio = float(quantised.norm() / identity.norm()) if len(quantised) == len(identity) else 0.0
    measured = f"the encoder's gradient is {ratio:.2g} times that of the identity in the quantizer's place"
    cause = "the quantizer lets no gradient through; return vectors + (quantised - vectors).detach() from it"
    return Verdict("gradient path", 0.05 < ratio < 20, measured, cause)


def _identity(latent: Tensor) -> Quantized:
    empty = torch.empty(0, device=latent.device)
    return Quantized(latent, empty.long(), latent.new_zeros(()), empty)


def causality(codec: VQCodec, crops: Tensor) -> Verdict:
    """What comes after a place must not change what was put out more than the stated delay before it."""
    codec.eval()
    wave = crops[:1]
    place = wave.shape[-1] // codec.hop // 2 * codec.hop
    other = wave.clone()
    other[..., place:] = 0.1 * torch.randn(other[..., place:].shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        # What leaves the decoder when sample `place` enters is `delay` samples older.
        outputs = [codec.decoder(codec.quantizer.decode(codec.quantizer.encode(codec.encoder(x))))[..., :place] for x in (wave, other)]
    change = float((outputs[0] - outputs[1]).abs().max())
    measured = f"what came later changed what was out before by {change:.2g}"
    return Verdict(
        "causality", change < 1e-4, measured, "some layer looks ahead: pad on the left alone, and normalise over channels, not over time"
    )


def no_refuge(loss: SumConfig, crops: Tensor, sample_rate: int) -> Verdict:
    """Speech of the right spectrum and the wrong phase must be worth more than silence at some level, however quiet."""
    built = loss.build(sample_rate)
    frames = crops.unfold(-1, 512, 256) * torch.hann_window(512, periodic=False)
    phases = torch.exp(2j * math.pi * torch.rand(torch.fft.rfft(frames).shape, generator=torch.Generator().manual_seed(0)))
    pieces = torch.fft.irfft(torch.fft.rfft(frames).abs() * phases, 512)  # [B, 1, F, 512]
    guess = torch.nn.functional.fold(pieces.squeeze(1).transpose(1, 2), (1, 256 * (pieces.shape[-2] + 1)), (1, 512), stride=(1, 256))[:, 0]
    reference = crops[..., : guess.shape[-1]]
    with torch.no_grad():
        silent = float(built(reference, torch.zeros_like(reference))[0])
        guessed = min(float(built(reference, gain * guess)[0]) for gain in GAINS)
    measured = f"silence costs {silent:.3g}, speech of the right spectrum and wrong phase {guessed:.3g} at the best level"
    cause = "with this loss silence is the best guess of a codec that knows little (L1 or MSE alone); add a mel or STFT term"
    if not reference.any():
        cause = "the crops themselves are silent; look at the data with `telucodec doctor`"
    return Verdict("silence is no refuge", guessed < MOST_OF_SILENCE * silent, measured, cause)


def own_sound(codec: VQCodec, crops: Tensor) -> Verdict:
    """In training mode too, what comes out for a sound must not depend on the others in its batch, nor its level on theirs."""
    codec.train()
    codec.quantizer.eval()  # its codebooks would move between the two
    with torch.no_grad(), _fixed_random():
        own = _loudest(crops)
        pair = own.repeat(2, 1, 1)
        loud = torch.cat([own, 8 * own.flip(-1)])
        alone, beside = codec(pair)[0][0], codec(loud)[0][0]
    change = float((alone - beside).abs().max() / alone.abs().max().clamp_min(1e-9))
    measured = f"a loud neighbour in the batch changes the output by {100 * change:.2g} %"
    return Verdict(
        "level kept",
        change < 0.01,
        measured,
        "a normalisation over the batch (BatchNorm) erases the level; leave it out, above all at the output",
    )


def full_scale(codec: VQCodec) -> Verdict:
    """Whether anything limits the output; where nothing does, that is to be known, and no fault."""
    codec.eval()
    with torch.no_grad():
        latent = torch.randn(1, codec.config.body.latent_dim, 20, generator=torch.Generator().manual_seed(0))
        most = float(codec.decoder(1e6 * latent).abs().max())
    cause = "loud passages may leave full scale, and files clip them; a body with tanh = true bends them instead"
    return Verdict("full scale", True, f"the output is {'not ' if most > 1 else ''}limited to full scale", cause, noted=most > 1)


def codebooks_at_latents(codec: VQCodec, crops: Tensor) -> Verdict:
    """Codebooks must lie where the latents are before anything is learned.

    How many codes are used is said and not judged: a second of pauses takes few of them wherever they lie.
    """
    codec.eval()
    with torch.no_grad():
        latent = codec.encoder(crops)
        quantized = codec.quantizer(latent)
    vectors = latent.transpose(1, 2).flatten(0, 1)
    restored = quantized.latent.transpose(1, 2).flatten(0, 1)
    error = float((vectors - restored).square().sum() / (vectors - vectors.mean(dim=0)).square().sum().clamp_min(1e-12))
    used = len(torch.unique(quantized.codes[:, 0])) / min(quantized.codes[:, 0].numel(), codec.quantizer.codebook_size)
    measured = (
        f"{100 * used:.0f} % of the codes in reach are used in the first codebook; the error is {error:.2g} times the latents' variance"
    )
    cause = "codes lie far from the latents; start codebooks by k-means"
    learns_scale = not hasattr(codec.quantizer, "codebooks")  # a scalar quantizer has no places to start at
    return Verdict("codebooks start at the latents", learns_scale or error < MOST_ERROR, measured, cause)


def revival(codec: VQCodec, crops: Tensor) -> Verdict:
    """Codes moved out of reach must come back."""
    codebooks = getattr(codec.quantizer, "codebooks", None)
    if codebooks is None:
        return Verdict("dead codes come back", True, "there are no codebooks to die")
    half = codebooks.shape[1] // 2
    with torch.no_grad(), _fixed_random():
        codebooks[:, :half] = 1e4
        codec.quantizer.counts[:, :half] = 0
        latent = codec.encoder(crops).transpose(1, 2).flatten(0, 1)
        codec.quantizer.revive(latent)
        back = float((codebooks[:, :half].abs().amax(dim=-1) < 1e4).float().mean())
    measured = f"{100 * back:.0f} % of codes put out of reach are brought back"
    return Verdict("dead codes come back", back > 0.9, measured, "codes that never win are never trained; set dead_share to 0.03")


def overfits(codec: VQCodec, recipe: RecipeConfig, crops: Tensor) -> Iterator[Verdict]:
    """One second must be learned by heart within some updates: better than silence, alike in shape, in both modes."""
    codec.train().requires_grad_(True)
    loss = recipe.loss.build(codec.config.sample_rate)
    size = round(OVERFIT_S * codec.config.sample_rate) // codec.hop * codec.hop
    loudest = _loudest(crops[..., :size])
    optimiser = torch.optim.AdamW(codec.parameters(), recipe.optimiser.learning_rate, betas=recipe.optimiser.betas)
    losses: list[float] = []
    with _fixed_random():
        for _ in range(OVERFIT_UPDATES):
            estimate, quantized = codec(loudest)
            reference = loudest[..., : estimate.shape[-1]]
            total, _ = loss(reference, estimate)
            losses.append(float(total.detach()))
            snr_db, correlation = _compare(reference, estimate.detach())
            if snr_db > 0 and correlation > LEAST_CORRELATION:
                break
            optimiser.zero_grad()
            (total + recipe.quantizer_weight * quantized.loss).backward()
            torch.nn.utils.clip_grad_norm_(codec.parameters(), recipe.optimiser.clip_norm)
            optimiser.step()
    with torch.no_grad():
        codec.eval()
        tested, _ = codec(loudest)
    tested_db, tested_correlation = _compare(reference, tested)
    measured = (
        f"after {len(losses)} updates on one second the loss went from {losses[0]:.3g} to {losses[-1]:.3g}, "
        f"SNR {snr_db:.1f} dB, correlation {correlation:.2f}"
    )
    cause = (
        f"a learning rate of {recipe.optimiser.learning_rate:g} is too low or too high (1e-4 to 1e-3 is usual), "
        "or gradients do not reach all parts"
    )
    beats = snr_db > 0 and correlation > LEAST_CORRELATION
    yield Verdict("overfits one second", beats or losses[-1] < MOST_OF_LOSS * losses[0], measured, cause)
    yield Verdict("beats silence", beats, measured, "the output is no better than silence; " + cause)
    # It may be better: evenness is for training alone.
    agree = tested_db > snr_db - MOST_LOST_DB and tested_correlation > correlation - MOST_LOST_CORRELATION
    yield Verdict(
        "training and evaluation agree",
        agree,
        f"SNR {snr_db:.1f} dB in training mode, {tested_db:.1f} dB in evaluation mode",
        "batch normalisation, dropout, or a quantizer that does not do the same in both",
    )


def _loudest(crops: Tensor) -> Tensor:
    """Of `crops` [B, 1, T] the one [1, 1, T] that is no pause."""
    return crops[crops.square().mean(dim=(1, 2)).argmax()][None]


def _compare(reference: Tensor, estimate: Tensor) -> tuple[float, float]:
    """SNR in dB and correlation of waves [1, 1, T]; NaN where they have none."""
    noise, signal = float((reference - estimate).square().sum()), float(reference.square().sum())
    snr_db = 10 * math.log10(signal / noise) if noise > 0 and signal > 0 else math.nan
    both = torch.stack([reference.flatten(), estimate.flatten()])
    return snr_db, float(torch.corrcoef(both)[0, 1]) if float(both.std(dim=1).min()) > 0 else math.nan


@contextmanager
def _fixed_random() -> Iterator[None]:
    """Random numbers of a gate leave those of the run alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
