"""Fits a transform model to recordings: context networks by gradient descent, tables, centroids and noise levels by counting."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from telucodec.bitstream.rangecoder import integer_frequencies
from telucodec.errors import DataError
from telucodec.progress import Progress, untold
from telucodec.runtime.context import Plan
from telucodec.runtime.entropy import EntropyCoder, level_symbol, levels_before, magnitude_symbols
from telucodec.runtime.envelope import BANDS
from telucodec.runtime.frames import LEVEL_CENTRE, told
from telucodec.runtime.model import (
    BIT_ROW,
    CENTROIDS,
    ESCAPE,
    HOP,
    LEVEL_FRACTIONS,
    LEVEL_ROW,
    LEVEL_SCALES,
    NOISE_CLASSES,
    PLANS,
    ROW_OF_MODE,
    ROWS,
    SAMPLE_RATE,
    SCALES,
    SECOND_ROW,
    SIGN_PLANS,
    SIGN_ROW_OF_MODE,
    SYMBOLS,
    TAIL_ROW,
    TAILS,
    TransformModel,
    load_model,
)
from telucodec.runtime.quantise import noise_class
from telucodec.runtime.signs import BEFORE, CONFIDENCE_STEPS, CONFIDENCES, MAGNITUDES, sign_inputs
from telucodec.training.context import IntegerNet, ScaleFamily, SignNet, coefficient_cost, level_bits, level_cost, sign_cost, train
from telucodec.training.examples import Example, examples, packets
from telucodec.training.shaping import usual_shaping


@dataclass(frozen=True)
class FitConfig:
    """How a transform model is fitted."""

    hidden: int = 32
    """Units of both hidden layers of every context network for magnitudes and levels."""
    sign_hidden: int = 64
    """Of those for signs, which look at what is not zero alone."""
    minutes: float = 10.0
    """Training time of the networks in all, preparation and counting come on top; 0 keeps the networks of the start and only counts."""
    max_updates: int = 20_000
    """Updates of one network at most."""
    batch: int = 8192
    """Symbols of an update."""
    learning_rate: float = 4e-3
    """Peak; a fifth of it when starting from an existing model."""
    heard_s: float = 600.0
    """Sound to learn from at least: less is taken several times, at other steps."""
    most_repeats: int = 4
    symbols: int = 1_500_000
    """Symbols kept for training one network."""
    seed: int = 0


FORGOTTEN = (0.05, 0.02, 0.02, 0.01)
"""How often a sign is learned as if it had 0, 1, 2 or 3 frames before it, instead of all that signs look at."""
PRIOR_COUNTS = 400.0
"""How many observations a row's earlier distribution is worth against what is counted."""


def _symbols(name: str, case: Example) -> int:
    """How many symbols of `case` the networks `name` are for."""
    if name in SIGN_PLANS:
        return np.count_nonzero(case.frames.halves)
    return case.frames.levels.size if name == "levels" else np.count_nonzero(case.sent)


def _gather(name: str, cases: Sequence[Example], coder: EntropyCoder, config: FitConfig, rng) -> list[tuple[np.ndarray, ...]]:
    """Training data of each pass of the network `name`, a random share of it: features int8 [n, I], position [n], symbols [n]."""
    total = sum(_symbols(name, case) for case in cases) / len(PLANS[name])
    share = min(1.0, config.symbols / total)
    collected: dict[Plan, list] = {plan: [] for plan in PLANS[name]}
    for case in cases:
        halves = case.frames.halves
        if name in SIGN_PLANS:
            target, parts = halves > 0, sign_inputs(halves, told(halves))
        elif name == "levels":
            levels = case.frames.levels
            target, parts = levels - levels_before(levels, case.start), coder.level_inputs(levels, case.start)
        else:
            symbols, second = magnitude_symbols(halves, case.dependent)
            target, parts = symbols + SYMBOLS * second, coder.coefficient_inputs(halves, case.side, case.sent, case.start)
        for plan, frames, bins, features in parts:
            chosen = rng.random(len(bins)) < share
            seen = _forgetting(features[:, chosen], rng) if name in SIGN_PLANS else features[:, chosen]
            symbols = target[frames[chosen], bins[chosen]].astype(np.int64)
            collected[plan].append((seen.T.astype(np.int8), bins[chosen] // plan.stride, symbols))
    return [tuple(np.concatenate(column) for column in zip(*bucket, strict=True)) for bucket in collected.values()]


def _forgetting(features: np.ndarray, rng) -> np.ndarray:
    """Features [I, n] of signs, some of them as at the beginning of a packet, which knows no frames before, or only one or two."""
    known = rng.choice(len(BEFORE) + 1, features.shape[1], p=[*FORGOTTEN, 1 - sum(FORGOTTEN)])
    first = MAGNITUDES
    for distance, reach in enumerate(BEFORE, start=1):
        features[first : first + 2 * reach + 1, known < distance] = 0
        first += 2 * reach + 1
    return features


def _mode(name: str) -> str:
    """The mode that the networks `name` are for."""
    return "natural" if name == "levels" else name.removesuffix(" signs")


def _train_networks(cases, start, names: Collection[str], config: FitConfig, rng, progress: Progress):
    """Layers of every network, those of `names` trained, and the ScaleFamily's probabilities by mode."""
    coder, passes, families = EntropyCoder(start), {} if start is None else dict(start.passes), {}
    number = sum(len(PLANS[name]) for name in names)
    seconds = config.minutes * 60 / number
    done = 0
    for name in names:
        known = passes.get(name)
        family = ScaleFamily(2 if start is not None and start.dependent(name) else 1)
        if known and name in ROW_OF_MODE:
            firsts = ROW_OF_MODE[name] + SECOND_ROW * np.arange(family.logits.shape[1])
            rows = start.frequencies[firsts + np.arange(SCALES)[:, None]]
            family.logits.data.copy_(torch.log(torch.from_numpy(rows.astype(np.float32))))
        layers = []
        for index, data in enumerate(_gather(name, cases[_mode(name)], coder, config, rng)):
            if known:
                net = IntegerNet.of(known[index])
            else:
                positions = len(range(BANDS if name == "levels" else HOP)[PLANS[name][index].positions])
                hidden = config.sign_hidden if name in SIGN_PLANS else config.hidden
                net = IntegerNet(data[0].shape[1], positions, hidden, 2 if name == "levels" else 1)
                net.last_bias.data.fill_(0.0 if name in SIGN_PLANS else 2.0)
            pace = seconds, config.max_updates, config.batch, config.learning_rate / (5 if known else 1)
            if name in SIGN_PLANS:
                bits = train(SignNet(net), sign_cost, data, *pace)
            elif name == "levels":
                bits = train(net, level_cost, data, *pace)
            else:
                bits = train(net, coefficient_cost(family), data, *pace, family)
            layers.append(net.layers())
            done += 1
            progress(done, number, f"{name} pass {index + 1}: {bits:.3f} bits a symbol")
        passes[name] = tuple(layers)
        if name in ROW_OF_MODE:
            families[name] = family.probabilities().detach().numpy()
    return passes, families


def _prior(start: TransformModel | None, families: dict[str, np.ndarray]) -> np.ndarray:
    """Distributions [SECOND_ROW or more, SYMBOLS] to begin counting from: the start's, else what training left behind."""
    prior = np.full((SECOND_ROW if start is None else max(SECOND_ROW, len(start.frequencies)), SYMBOLS), 1e-6)
    for mode, probabilities in families.items():
        prior[ROW_OF_MODE[mode] : ROW_OF_MODE[mode] + SCALES] = probabilities[:, 0]
    residual = torch.arange(SYMBOLS - 1) - LEVEL_CENTRE
    for fraction in range(LEVEL_FRACTIONS):
        for scale in range(LEVEL_SCALES):
            outputs = torch.tensor([[(fraction + 0.5) / LEVEL_FRACTIONS, (scale + 0.5) / LEVEL_FRACTIONS]]).expand(len(residual), 2)
            prior[LEVEL_ROW + fraction * LEVEL_SCALES + scale, :ESCAPE] = 2.0 ** -level_bits(outputs, residual.float()).numpy()
    prior[BIT_ROW, :2] = 0.5
    likely = torch.sigmoid((torch.arange(CONFIDENCES) + 0.5) / CONFIDENCE_STEPS).numpy()
    for first in SIGN_ROW_OF_MODE.values():
        prior[first : first + CONFIDENCES, :2] = np.stack([likely, 1 - likely], axis=1)
    if start is not None:
        prior[: len(start.frequencies)] = start.frequencies
    return prior / prior.sum(axis=1, keepdims=True)


def _count(passes, prior: np.ndarray, cases, start, progress: Progress) -> TransformModel:
    """The model whose tables, centroids and noise levels are those of `cases` under the networks `passes`."""
    if not SIGN_PLANS.keys() <= passes.keys():
        prior = prior[: BIT_ROW + 1]
    sums = np.zeros(((3 if len(prior) >= TAIL_ROW else 2) * SCALES, CENTROIDS))
    seen = np.full(sums.shape, PRIOR_COUNTS)
    shaping = usual_shaping() if start is None else start.shaping
    coder = EntropyCoder(TransformModel(passes, integer_frequencies(prior), sums, np.zeros(NOISE_CLASSES, np.float32), shaping))
    counts = prior * PRIOR_COUNTS
    if start is not None:
        sums += start.centroids.astype(np.float64) * PRIOR_COUNTS
    power_sum = np.full(NOISE_CLASSES, 1e-9)
    zeros_seen = np.full(NOISE_CLASSES, 1e-6)
    if start is not None:
        power_sum, zeros_seen = start.noise.astype(np.float64) ** 2 * PRIOR_COUNTS, np.full(NOISE_CLASSES, PRIOR_COUNTS)
    total = sum(map(len, cases.values()))
    for index, case in enumerate(case for mode in cases.values() for case in mode):
        halves, side = case.frames.halves, case.side
        rows = coder.coefficient_rows(halves, side, case.start)
        symbols, second = magnitude_symbols(halves, case.dependent)
        np.add.at(counts, ((rows + SECOND_ROW * second)[case.sent], symbols[case.sent]), 1)
        _, sign_symbols, sign_rows = coder.sign_symbols(halves, side.mode)
        np.add.at(counts, (sign_rows, sign_symbols), 1)
        if len(prior) == ROWS:
            for _, tail_symbols, tail_rows in coder.tail_symbols(halves, side, case.start):
                np.add.at(counts, (tail_rows, tail_symbols), 1)
        exact = np.abs(case.coefficients) / side.steps(case.step)
        coded = symbols > 0
        place = ((rows + 2 * SCALES * second)[coded], np.minimum(symbols[coded], CENTROIDS) - 1)
        np.add.at(sums, place, exact[coded] - np.abs(halves[coded]) / 2)
        np.add.at(seen, place, 1)
        if side.relative is not None:
            classes = noise_class(side.relative)[~coded]
            np.add.at(power_sum, classes, exact[~coded] ** 2)
            np.add.at(zeros_seen, classes, 1)
            residuals, level_rows = coder.level_predictions(case.frames.levels, case.start)
            np.add.at(counts, (level_rows, level_symbol(residuals)), 1)
        progress(index + 1, total, "counting")
    noise = np.sqrt(power_sum / zeros_seen).astype(np.float32)
    return TransformModel(passes, integer_frequencies(counts), (sums / seen).astype(np.float32), noise, shaping)


def fit(
    waves: Sequence[np.ndarray],
    config: FitConfig,
    start: TransformModel | None = None,
    progress: Progress = untold,
    names: Collection[str] | None = None,
    live: bool = False,
) -> TransformModel:
    """A transform model of `waves` [1, T] at 16 kHz, from nothing or from the model `start`. Raises DataError where all are silent.

    Networks are those of `start`, or all there are, and trained are those of `names`, or all of them; `start` keeps the others, and
    the tables of modes that none of `names` is for. A model from nothing has one quantiser; going on from it gives fidelity mode a second.
    With `live` they learn from live packets of one to three frames, as an encoder with `start` makes them.
    Natural mode, where it learns, takes the usual shaping.
    """
    if start is None and (live or config.minutes == 0):
        raise ValueError("neither can networks be kept nor live packets be made without a model to start from")
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    repeats = min(max(1, round(config.heard_s * SAMPLE_RATE / max(sum(wave.shape[-1] for wave in waves), 1))), config.most_repeats)
    names = names or list(PLANS if start is None else start.passes)
    modes = {_mode(name) for name in names}
    if start is not None and "fidelity" in modes and start.signs("fidelity"):
        start = _with_all_rows(start)
    if start is not None and "natural" in modes:
        start = replace(start, shaping=usual_shaping())
    taken = packets if live else examples
    cases = {mode: taken([*waves] * repeats, mode, rng, start) for mode in ROW_OF_MODE if mode in modes}
    if not all(cases.values()):
        raise DataError("nothing to train on: every recording is silent; check the input with a player")
    if config.minutes == 0:
        return _count(start.passes, _prior(start, {}), cases, start, progress)
    passes, families = _train_networks(cases, start, names, config, rng, progress)
    return _count(passes, _prior(start, families), cases, start, progress)


def _with_all_rows(model: TransformModel) -> TransformModel:
    """`model` with a guess of what it has no rows for: a second quantiser of fidelity mode, and what escapes."""
    if not model.dependent("fidelity"):
        model = _with_second_quantiser(model)
    return model if model.tails else _with_tails(model)


def _with_second_quantiser(model: TransformModel) -> TransformModel:
    """Half of what lies on either side of its points is what the second quantiser would read."""
    first = model.frequencies[ROW_OF_MODE["fidelity"] :][:SCALES].astype(np.float64)
    second = (np.roll(first, 1, axis=1) + first) / 2
    second[:, 0] = first[:, 0] / 2
    centroids = np.concatenate([model.centroids, model.centroids[ROW_OF_MODE["fidelity"] :][:SCALES]])
    return replace(model, frequencies=np.concatenate([model.frequencies, integer_frequencies(second)]), centroids=centroids)


def _with_tails(model: TransformModel) -> TransformModel:
    """What escapes lies beyond by a third of what there was before, and a little more."""
    mean = 2 + (2 ** (np.arange(TAILS) / 8) - 1) / 3
    ratio = (mean / (1 + mean))[:, None]
    tails = ratio ** np.arange(SYMBOLS)
    tails[:, :ESCAPE] *= 1 - ratio
    return replace(model, frequencies=np.concatenate([model.frequencies, integer_frequencies(tails)]))


def ideal_kbps(model: TransformModel, waves: Sequence[np.ndarray], seed: int = 1) -> float:
    """Mean code length of `waves` [1, T] in kbit/s over modes and random steps.

    The same seed chooses them for every model, and the shipped model the integers for all models that read as it does; those of others are rounded plainly.
    """
    rng, coder, shipped = np.random.default_rng(seed), EntropyCoder(model), load_model()
    bits = seconds = 0.0
    for mode in ROW_OF_MODE:
        for case in examples(waves, mode, rng, shipped if model.dependent(mode) == shipped.dependent(mode) else None):
            bits += coder.ideal_bits(case.frames, HOP, case.power)
            seconds += len(case.frames.halves) * HOP / SAMPLE_RATE
    return bits / seconds / 1000 if seconds else float("nan")
