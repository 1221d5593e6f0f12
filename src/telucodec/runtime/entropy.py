"""A packet's integers <-> its payload: envelope levels and quantised coefficients, coded with the context model.

A frame is sent as its levels (natural mode only), then its magnitudes, each in the passes of `context`; then the signs of
what is not zero, then how far those that escaped the tables lie beyond, in tables of their own and Elias gamma codes. Contexts start afresh with every packet: from silence, or, in
packets too short to learn from themselves, from a `Start`.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from telucodec.bitstream.rangecoder import RangeWriter, write_symbols
from telucodec.errors import BitstreamError
from telucodec.runtime.context import (
    COEFFICIENT_PASSES,
    LEVEL_PASSES,
    MAGNITUDE_CODES,
    CoefficientContext,
    LevelContext,
    Plan,
    slow_average,
)
from telucodec.runtime.entropy_decoder import BatchDecoder
from telucodec.runtime.frames import (
    LEVEL_CENTRE,
    MAX_MAGNITUDE,
    SILENCE,
    Decoded,
    Frames,
    Side,
    level_row,
    relative_levels,
    symbols_of,
    tail_rows,
    told,
)
from telucodec.runtime.model import BIT_ROW, ESCAPE, HOP, SECOND_ROW, SIGN_ROW_OF_MODE, TAIL_END, TransformModel
from telucodec.runtime.rows import MagnitudeRows
from telucodec.runtime.signs import likelier, sign_inputs
from telucodec.runtime.start import Start
from telucodec.runtime.trellis import second_reads

TOGETHER = 32
"""Frames that an encoder looks at together: what is worked out for them stays in a processor's cache."""


def _later(values: np.ndarray, frames: int, before: np.ndarray = SILENCE) -> np.ndarray:
    """`values` [F, n] moved `frames` later, behind frames of `before` [n]."""
    front = np.broadcast_to(before.astype(values.dtype), (frames, values.shape[1]))
    return np.concatenate([front, values])[: len(values)]


def _slow_pasts(values: np.ndarray, before: np.ndarray = SILENCE) -> np.ndarray:
    """Running average [F, n], in 8ths, of the frames before each of `values` [F, n], which followed many of `before` [n]."""
    slow = np.empty_like(values)
    slow[0] = 8 * before
    for frame in range(1, len(values)):
        slow[frame] = slow_average(slow[frame - 1], values[frame - 1])
    return slow


def levels_before(levels: np.ndarray, start: Start | None) -> np.ndarray:
    """The frame before each of `levels` [F, BANDS], that of `start` or silence before the first."""
    return _later(levels, 1, SILENCE if start is None else start.levels)


def magnitude_symbols(halves: np.ndarray, dependent: bool) -> tuple[np.ndarray, np.ndarray]:
    """Symbols of all magnitudes of `halves` [F, n], and 1 where the second quantiser reads them: nowhere, if not `dependent`.

    Raises ValueError for halves that are no points of the quantisers that would read them.
    """
    symbols = np.minimum(symbols_of(halves), ESCAPE)
    second = second_reads(symbols) if dependent else np.zeros_like(symbols)
    if np.any((halves & 1 != second) & (halves != 0)):
        raise ValueError("a coefficient lies between the points of the quantiser that reads it")
    return symbols, second


def level_symbol(residuals: np.ndarray) -> np.ndarray:
    """Symbols of level `residuals`, any shape; the escape for those beyond the alphabet."""
    return np.where(np.abs(residuals) <= LEVEL_CENTRE, residuals + LEVEL_CENTRE, ESCAPE)


def _gamma_bits(value: int) -> list[int]:
    """Elias gamma code of `value` >= 0, as bits."""
    binary = [int(bit) for bit in f"{value + 1:b}"]
    return [0] * (len(binary) - 1) + binary


def _zigzag(residuals: np.ndarray) -> np.ndarray:
    """Residuals beyond the alphabet, either sign, as 0, 1, 2 ..."""
    return np.where(residuals > 0, 2 * (residuals - LEVEL_CENTRE - 1), 2 * (-residuals - LEVEL_CENTRE) - 1)


class _Script:
    """Symbols of all frames, put down part by part as each frame has them, and then read frame by frame."""

    def __init__(self, num_frames: int):
        self._frames = np.arange(num_frames)
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def put(self, symbols: np.ndarray, rows: np.ndarray) -> None:
        """The same number of `symbols` [F, n] for each frame, with their rows [F, n]."""
        self.put_some(np.repeat(self._frames, symbols.shape[1]), symbols.ravel(), rows.ravel())

    def put_some(self, of_frame: np.ndarray, symbols: np.ndarray, rows: np.ndarray) -> None:
        """Some `symbols` [n] with their `rows` [n], each of the frame `of_frame` [n]."""
        self._parts.append((of_frame, symbols, rows))

    def put_gammas(self, of_frame: np.ndarray, numbers: np.ndarray) -> None:
        """Gamma codes of `numbers` [n], each of the frame `of_frame` [n]."""
        for frame, number in zip(of_frame, numbers.tolist(), strict=True):
            bits = _gamma_bits(number)
            self.put_some(np.full(len(bits), frame), np.array(bits, np.int32), np.full(len(bits), BIT_ROW, np.int32))

    def in_order(self) -> tuple[np.ndarray, np.ndarray]:
        """Symbols and rows [n], those of a frame in the order they were put down in."""
        of_frame, symbols, rows = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        order = np.argsort(of_frame, kind="stable")
        return symbols[order], rows[order]


class EntropyCoder:
    """Codes frames with one model."""

    def __init__(self, model: TransformModel):
        self._model, self._rows = model, MagnitudeRows(model)

    # The encoder's side: all frames of a packet at once.

    def coefficient_inputs(
        self, halves: np.ndarray, side: Side, asked: np.ndarray, start: Start | None = None
    ) -> Iterator[tuple[Plan, np.ndarray, np.ndarray, np.ndarray]]:
        """Each pass over `halves` [F, n], some frames after the other, with the frames [m] and bins [m] of what is `asked` [F, n] in it, and their features [I, m]."""
        for group, plan, context in self._contexts(halves, side, start):
            context.begin_pass(plan)
            frames, places = np.nonzero(asked[group, plan.positions])
            bins = plan.start + plan.stride * places
            yield plan, group.start + frames, bins, context.features(frames, bins, plan)

    def _contexts(self, halves: np.ndarray, side: Side, start: Start | None) -> Iterator[tuple[slice, Plan, CoefficientContext]]:
        """Each pass over some frames of `halves` [F, n] after the other: which frames, and what is known of them before it."""
        codes, before, relative_before = self._codes(halves, side, start)
        pasts = [_later(codes, 1, before), _later(codes, 2, before), _slow_pasts(codes, before)]
        if side.relative is not None:
            pasts += [side.relative, _later(side.relative, 1, relative_before)]
        seen = MAGNITUDE_CODES[told(halves)]  # escapes come after
        for first in range(0, len(codes), TOGETHER):
            group = slice(first, first + TOGETHER)
            context = CoefficientContext(len(codes[group]), HOP)
            context.begin(*(past[group] for past in pasts))
            for plan in COEFFICIENT_PASSES:
                yield group, plan, context
                context.known[:, : halves.shape[1]][:, plan.positions] = seen[group, plan.positions]

    def _codes(self, halves: np.ndarray, side: Side, start: Start | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Magnitude codes of `halves` [F, n], those [n] of what came before the first frame, and the envelope over the step [HOP] there."""
        codes = MAGNITUDE_CODES[np.minimum(np.abs(halves), len(MAGNITUDE_CODES) - 1)]
        if start is None:
            return codes, SILENCE, SILENCE
        relative_before = relative_levels(start.levels, side.power, side.shaping)
        return codes, start.codes(relative_before if side.relative is None else side.relative[0])[: codes.shape[1]], relative_before

    def coefficient_rows(self, halves: np.ndarray, side: Side, start: Start | None = None, asked: np.ndarray | None = None) -> np.ndarray:
        """Row of the coding tables [F, n] for every magnitude of `halves` [F, n] that is sent, or for those `asked` [F, n], where the first quantiser reads it; 0 elsewhere."""
        asked = side.sent(halves.shape) if asked is None else asked
        rows = np.zeros(halves.shape, np.int32)
        for group, plan, context in self._contexts(halves, side, start):
            rows[group, plan.positions] = self._rows.of_pass(context, plan, asked[group, plan.positions], side.mode)
        return rows

    def level_inputs(self, levels: np.ndarray, start: Start | None = None) -> Iterator[tuple[Plan, np.ndarray, np.ndarray, np.ndarray]]:
        """Each pass over `levels` [F, BANDS], with the frames [m] and bands [m] of its levels, and their features [I, m]."""
        values = levels.astype(np.float32)
        before = SILENCE if start is None else start.levels
        previous = _later(values, 1, before)
        first = np.zeros(len(levels), np.float32)
        first[0] = start is None
        context = LevelContext(*levels.shape)
        context.begin(previous, _later(values, 2, before), _slow_pasts(values, before), first)
        for plan in LEVEL_PASSES:
            yield plan, *context.features(plan)
            context.tell((values - previous)[:, plan.positions], plan)

    def level_predictions(self, levels: np.ndarray, start: Start | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Residuals [F, BANDS] of `levels` against their prediction, and the rows that describe them."""
        residuals, rows = (np.empty(levels.shape, np.int32) for _ in range(2))
        change = levels - levels_before(levels, start)
        for layers, (plan, frames, bands, features) in zip(self._model.passes["levels"], self.level_inputs(levels, start), strict=True):
            mean, rows[frames, bands] = level_row(layers(features[:, None], bands // plan.stride)[:, 0])
            residuals[frames, bands] = change[frames, bands] - mean
        return residuals, rows

    def sign_symbols(self, halves: np.ndarray, mode: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Frame, symbol and row [n] of the sign of all of `halves` [F, n] that is not zero, those of a frame in the order of the passes.

        A symbol is 1 where the sign is not the likelier one. Without networks for signs all rows are those of a bit, which is 1 below zero.
        """
        networks = self._model.signs(mode)
        if networks is None:
            frames, bins = np.nonzero(halves)
            return frames, (halves[frames, bins] < 0).astype(np.int32), np.full(len(frames), BIT_ROW, np.int32)
        parts = []
        for layers, (plan, frames, bins, features) in zip(networks, sign_inputs(halves, told(halves)), strict=True):
            signs, confidence = likelier(layers, features, bins, plan)
            parts.append((frames, (signs * halves[frames, bins] < 0).astype(np.int32), SIGN_ROW_OF_MODE[mode] + confidence))
        return tuple(np.concatenate(part) for part in zip(*parts, strict=True))

    def tail_symbols(
        self, halves: np.ndarray, side: Side, start: Start | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Frame, symbol and row [n] of how far magnitudes of `halves` [F, n] that escape lie beyond, in rounds: an escape has another symbol in the next."""
        codes, before, _ = self._codes(halves, side, start)
        rows, beyond = tail_rows(_later(codes, 1, before)), symbols_of(halves) - ESCAPE
        for end in range(0, TAIL_END, ESCAPE):
            frames, bins = np.nonzero(beyond >= end)
            yield frames, np.minimum(beyond[frames, bins] - end, ESCAPE), rows[frames, bins]

    def symbols(self, frames: Frames, cut: int, power: int, start: Start | None = None) -> tuple[np.ndarray, np.ndarray]:
        """All symbols [n] of `frames`, of which only the first `cut` coefficients may be other than zero, and their rows [n], in the order they are coded in.

        Raises ValueError for halves that cannot be sent.
        """
        halves, side = frames.halves[:, :cut], Side.of(frames.levels, power, self._model.shaping)
        sent = side.sent(halves.shape)
        if halves[~sent].any():
            raise ValueError("a coefficient is not zero where the envelope says that none is sent")
        if symbols_of(halves).max(initial=0) > MAX_MAGNITUDE:
            raise ValueError("a coefficient is larger than any that a decoder takes")
        script = _Script(len(halves))
        if frames.levels is not None:
            residuals, rows = self.level_predictions(frames.levels, start)
            symbols = level_symbol(residuals)
            for plan in LEVEL_PASSES:
                script.put(symbols[:, plan.positions], rows[:, plan.positions])
                of_frame, bands = np.nonzero(symbols[:, plan.positions] == ESCAPE)
                script.put_gammas(of_frame, _zigzag(residuals[:, plan.positions][of_frame, bands]))
        symbols, second = magnitude_symbols(halves, self._model.dependent(frames.mode))
        rows = self.coefficient_rows(halves, side, start) + SECOND_ROW * second
        for plan in COEFFICIENT_PASSES:
            of_frame, places = np.nonzero(sent[:, plan.positions])
            script.put_some(of_frame, symbols[:, plan.positions][of_frame, places], rows[:, plan.positions][of_frame, places])
        script.put_some(*self.sign_symbols(halves, frames.mode))
        beyond = symbols_of(halves) - ESCAPE
        if self._model.tails:
            for part in self.tail_symbols(halves, side, start):
                script.put_some(*part)
            beyond -= TAIL_END
        of_frame, bins = np.nonzero(beyond >= 0)
        script.put_gammas(of_frame, beyond[of_frame, bins])
        return script.in_order()

    def ideal_bits(self, frames: Frames, cut: int, power: int, start: Start | None = None) -> float:
        """Length of the packet's payload by the model's own probabilities, in bits."""
        symbols, rows = self.symbols(frames, cut, power, start)
        return float(self._model.tables.bits[rows, symbols].sum(dtype=np.float64))

    def encode(self, frames: Frames, cut: int, power: int) -> bytes:
        """Payload of `frames`, of which only the first `cut` coefficients may be other than zero."""
        return self.written(frames, cut, power, None).to_bytes()

    def written(self, frames: Frames, cut: int, power: int, start: Start | None) -> RangeWriter:
        """All symbols of `frames`, as `encode` has them, in contexts that begin from `start`."""
        return write_symbols(self._model.tables, *self.symbols(frames, cut, power, start))

    # The decoder's side: one frame at a time, of several packets together.

    def decode(
        self, payloads: Sequence[bytes], counts: Sequence[int], cuts: Sequence[int], power: int, start: Start | None = None
    ) -> list[Decoded | BitstreamError]:
        """Frames of each payload, given how many there are and how many coefficients of a frame were sent; all begin from `start`.

        Packets do not depend on each other; one that does not decode gives its BitstreamError, the others their frames.
        """
        return BatchDecoder(self._model, self._rows, payloads, counts, cuts, power, start).run()
