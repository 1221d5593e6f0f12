"""Rate-distortion optimised quantisation: of the integers near a coefficient, the one whose error and whose bits together cost least.

After Karczewicz, Ye and Chong (ITU-T VCEG-AH21, 2008), with the bits that the context model gives each integer where neighbours are
quantised plainly; where two quantisers read by turns, the cheapest way through their trellis. Only the encoder does this; any integers decode.
"""

from collections.abc import Iterator

import numpy as np

from telucodec.runtime.entropy import EntropyCoder
from telucodec.runtime.frames import Frames, Side
from telucodec.runtime.model import CENTROIDS, ESCAPE, SCALES, SECOND_ROW, SYMBOLS, TransformModel
from telucodec.runtime.quantise import quantise, used_fours
from telucodec.runtime.start import Start
from telucodec.runtime.trellis import cheapest_path

BIT_PRICE = {"natural": 0.15, "fidelity": 0.1}
"""What a bit may cost in error, in squared steps; 0.1155 = 2 ln 2 / 12 where steps are fine (docs/experiments.md, 14)."""
LIVE_BIT_PRICE = 0.1
"""The same in live packets (docs/experiments.md, 29)."""
DEPENDENT_BIT_PRICE = 0.06
"""The same where two quantisers read by turns (docs/experiments.md, 28)."""
SURELY_ZERO = 0.4
"""A coefficient of no more steps becomes zero, one by one, in every row of the tables: a 1 is as far or farther, and takes no fewer bits."""
LIKELY_ZERO = 0.5
"""Until they have been chosen by turns, contexts take for zero what is smaller, all else for the nearest half step (docs/experiments.md, 41)."""


def cheapest(coefficients: np.ndarray, step: float, power: int, coder: EntropyCoder, model: TransformModel) -> Frames:
    """`coefficients` [F, N] in half steps, as `quantise` takes them but for those whose bits are not worth it."""
    return cheaper(quantise(coefficients, step, power, model.shaping), coefficients, step, power, coder, model)


def cheaper(
    plain: Frames, coefficients: np.ndarray, step: float, power: int, coder: EntropyCoder, model: TransformModel, start: Start | None = None
) -> Frames:
    """As `cheapest`, with `plain`, what `quantise` makes of `coefficients`, at hand; contexts of a live packet begin from `start`."""
    side = Side.of(plain.levels, power, model.shaping)
    cut = 4 * used_fours(plain)
    exact = (np.abs(coefficients) / side.steps(step))[:, :cut]
    exact *= side.sent(exact.shape)
    if model.dependent(side.mode):
        likely = np.rint(2 * exact).astype(np.int32) * (exact >= LIKELY_ZERO)
        magnitudes = _by_turns(exact, coder.coefficient_rows(likely, side, start), model)
    else:
        asked = exact > SURELY_ZERO
        rows = coder.coefficient_rows(plain.halves[:, :cut], side, start, asked)
        magnitudes = _one_by_one(exact * asked, rows, LIVE_BIT_PRICE if start else BIT_PRICE[side.mode], model)
    halves = np.zeros_like(plain.halves)
    halves[:, :cut] = np.where(coefficients[:, :cut] < 0, -magnitudes, magnitudes)  # what is exactly zero may have to become a 1
    return Frames(halves, plain.levels)


def _costs(
    exact: np.ndarray, rows: np.ndarray, second: int, price: float, model: TransformModel
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Symbols near magnitudes `exact` [F, n], in steps, of the first or the `second` quantiser, and what each costs [F, n]."""
    below = np.floor(exact + second / 2).astype(np.int32)
    learned, of_row = model.centroids.ravel(), CENTROIDS * (rows + 2 * SCALES * second) - 1
    bits, of_bits = model.tables.bits.ravel(), SYMBOLS * (rows + SECOND_ROW * second)
    for symbol in (np.maximum(below - 1, 0), below, below + 1):
        coded = symbol > 0
        point = (symbol - second / 2 + learned.take(of_row + np.clip(symbol, 1, CENTROIDS))) * coded
        price_paid = price * (bits.take(of_bits + np.minimum(symbol, ESCAPE)) + coded)  # one for the sign
        yield symbol, (exact - point) ** 2 + price_paid


def _one_by_one(exact: np.ndarray, rows: np.ndarray, price: float, model: TransformModel) -> np.ndarray:
    """Magnitudes [F, n] in half steps, each the cheapest."""
    best = least = None
    for symbol, cost in _costs(exact, rows, 0, price, model):
        best = symbol if least is None else np.where(cost < least, symbol, best)
        least = cost if least is None else np.minimum(cost, least)
    return 2 * best


def _by_turns(exact: np.ndarray, rows: np.ndarray, model: TransformModel) -> np.ndarray:
    """Magnitudes [F, n] in half steps, those that cost least together where each decides which quantiser reads what follows."""
    least = np.full((2, 2, *exact.shape), np.inf, np.float32)
    best = np.zeros(least.shape, np.int32)
    for second in range(2):
        for symbol, cost in _costs(exact, rows, second, DEPENDENT_BIT_PRICE, model):
            parities = np.minimum(symbol, ESCAPE) & 1
            for parity in range(2):
                better = (parities == parity) & (cost < least[second, parity])
                np.copyto(least[second, parity], cost, where=better, casting="same_kind")
                np.copyto(best[second, parity], symbol, where=better)
    seconds, parities = cheapest_path(least)
    frames, bins = np.indices(exact.shape)
    symbols = best[seconds, parities, frames, bins]
    return 2 * symbols - (seconds & (symbols > 0))
