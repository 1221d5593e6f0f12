"""Dependent quantisation: two quantisers whose points lie between each other's, and a state machine that says which of them comes next.

The first has its points at whole steps, the second at odd halves of a step and at zero. Which one reads a coefficient follows from the parities of
the symbols before it in its lane, so that an encoder, which looks for the cheapest way through all states, has points half a step
apart to choose from and pays for points a whole step apart: trellis-coded quantisation (Marcellin and Fischer, IEEE Trans. Commun., 1990), entropy-coded
as in Schwarz, Nguyen, Marpe and Wiegand, "Hybrid Video Coding with Trellis-Coded Quantization" (DCC 2019), on Ungerboeck's trellis of eight states.

A lane is four neighbouring bins, in the order of the passes, frame after frame of a packet: bins of like strength, and all lanes of a
pass move at once. Values are held in half steps: a symbol k of the first quantiser is 2 k, one of the second 2 k - 1, and zero is zero.
"""

import numpy as np

from telucodec.runtime.context import COEFFICIENT_PASSES

LANE = len(COEFFICIENT_PASSES)
"""Bins side by side that make a lane."""
NEXT = np.array([[0, 1], [3, 2], [5, 4], [6, 7], [1, 0], [2, 3], [4, 5], [7, 6]])
"""State after a symbol, by the state before it and the symbol's parity. In odd states the second quantiser reads."""
_BEFORE = np.array([np.argwhere(NEXT == state) for state in range(len(NEXT))])
"""The two pairs of a state and a parity that lead to each state."""
_IN_ORDER = [plan.start for plan in COEFFICIENT_PASSES]
"""Which of a lane's bins each pass decodes."""


def _steps(values: np.ndarray) -> np.ndarray:
    """`values` [..., F, n] of bins as what lanes pass one after the other [..., LANE F, lanes]."""
    *lead, frames, width = values.shape
    lanes = values.reshape(*lead, frames, width // LANE, LANE)[..., _IN_ORDER]
    return np.moveaxis(lanes, -1, -2).reshape(*lead, frames * LANE, width // LANE)


def _bins(steps: np.ndarray) -> np.ndarray:
    """`_steps` back: [LANE F, lanes] to [F, n]."""
    count, lanes = steps.shape
    by_frame = np.moveaxis(steps.reshape(count // LANE, LANE, lanes), 1, 2)
    return by_frame[..., np.argsort(_IN_ORDER)].reshape(count // LANE, LANE * lanes)


def second_reads(symbols: np.ndarray) -> np.ndarray:
    """1 where the second quantiser reads `symbols` [F, n] of a packet, n a multiple of LANE, 0 where the first does: int32 [F, n].

    In bits, NEXT is linear, and what one parity moves comes round after LANE steps: the last bit of a state is the sum, modulo 2, of all
    parities that lie one or two steps back, or as many and whole frames.
    """
    steps = _steps((symbols & 1).astype(np.int32))
    parities = steps.reshape(len(symbols), LANE, steps.shape[1])
    after = np.bitwise_xor.accumulate(parities)
    before = after ^ parities
    back = np.concatenate([before[:, -2:], after], axis=1)  # two steps back come first
    return _bins((back[:, :LANE] ^ back[:, 1:-1]).reshape(steps.shape))


def cheapest_path(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The way through the trellis that costs least, of `costs` [2, 2, F, n] by quantiser and parity.

    Which quantiser it takes, and which parity, integers [F, n] (Viterbi's algorithm, in all lanes at once).
    """
    state_before, parity_before = _BEFORE[..., 0], _BEFORE[..., 1]
    branches = np.moveaxis(_steps(costs)[state_before & 1, parity_before], 2, 0)  # [LANE F, 8, 2, lanes]
    count, lanes = branches.shape[0], branches.shape[-1]
    total = np.full((len(NEXT), lanes), np.inf, costs.dtype)
    total[0] = 0
    taken = np.empty((count, len(NEXT) * lanes), bool)
    both = np.empty((len(NEXT), 2, lanes), costs.dtype)
    one, other = both[:, 0], both[:, 1]
    for step, branch in enumerate(branches):
        total.take(state_before, axis=0, out=both, mode="clip")
        both += branch
        np.less(other, one, out=taken[step].reshape(total.shape))
        np.minimum(one, other, out=total)
    state, every = total.argmin(axis=0), np.arange(lanes)
    ways = np.empty((count, lanes), np.intp)
    for step in range(count - 1, -1, -1):
        ways[step] = way = 2 * state + taken[step].take(lanes * state + every)
        state = state_before.take(way)
    return _bins(state_before.take(ways) & 1), _bins(parity_before.take(ways))
