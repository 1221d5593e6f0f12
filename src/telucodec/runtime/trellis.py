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
    """1 where the second quantiser reads `symbols` [F, n] of a packet, n a multiple of LANE, 0 where the first does: int32 [F, n]."""
    parities = _steps(symbols & 1)
    states = np.empty_like(parities)
    state = np.zeros(parities.shape[1], parities.dtype)
    after = NEXT.ravel()
    for step, parity in enumerate(parities):
        states[step] = state
        state = after[2 * state + parity]
    return _bins(states & 1)


def cheapest_path(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The way through the trellis that costs least, of `costs` [2, 2, F, n] by quantiser and parity.

    Which quantiser it takes, and which parity, int32 [F, n] (Viterbi's algorithm, in all lanes at once).
    """
    state_before, parity_before = _BEFORE[..., 0], _BEFORE[..., 1]
    branches = np.moveaxis(_steps(costs)[state_before & 1, parity_before], 2, 0)  # [LANE F, 8, 2, lanes]
    count, lanes = branches.shape[0], branches.shape[-1]
    total = np.full((len(NEXT), lanes), np.inf, costs.dtype)
    total[0] = 0
    taken = np.empty((count, len(NEXT), lanes), bool)
    for step, branch in enumerate(branches):
        both = total[state_before]
        both += branch
        np.less(both[:, 1], both[:, 0], out=taken[step])
        total = both.min(axis=1)
    state, every = total.argmin(axis=0), np.arange(lanes)
    states, parities = np.empty((count, lanes), np.int32), np.empty((count, lanes), np.int32)
    for step in range(count - 1, -1, -1):
        chosen = taken[step, state, every].astype(np.intp)
        parities[step] = parity_before[state, chosen]
        state = state_before[state, chosen]
        states[step] = state
    return _bins(states & 1), _bins(parities)
