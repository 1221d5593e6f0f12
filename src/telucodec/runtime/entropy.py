"""A packet's integers <-> its payload: envelope levels and quantised coefficients, coded with the context model.

A frame is sent as its levels (natural mode only), then its magnitudes, each in the passes of `context`; then the signs of
what is not zero, then what escaped the tables, as Elias gamma codes. Contexts start afresh with every packet: from silence, or, in
packets too short to learn from themselves, from a `Start`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from telucodec.bitstream.rangecoder import RangeReader, RangeWriter, write_symbols
from telucodec.errors import BitstreamError
from telucodec.runtime.context import (
    COEFFICIENT_PASSES,
    LEVEL_PASSES,
    MAGNITUDE_CODES,
    UNIT,
    WEIGHT_UNIT,
    CoefficientPast,
    Evaluator,
    Layers,
    LevelPast,
    Plan,
    coefficient_features,
    level_features,
    slow_average,
)
from telucodec.runtime.envelope import BANDS, HIGHEST, LOWEST, POWER_UNITS, spread
from telucodec.runtime.model import BIT_ROW, ESCAPE, HOP, LEVEL_FRACTIONS, LEVEL_ROW, LEVEL_SCALES, ROW_OF_MODE, SCALES, TransformModel
from telucodec.runtime.start import Start

LEVEL_CENTRE = ESCAPE // 2
"""Symbol of a level that is exactly where it was predicted."""
MAX_GAMMA_ZEROS = 20
MAX_MAGNITUDE = 1 << MAX_GAMMA_ZEROS
"""Beyond what 16-bit sound can give: coefficients reach sqrt(HOP) times full scale."""


@dataclass(frozen=True)
class Frames:
    """The integers of F frames.

    quantised: int32 [F, HOP]; levels: int32 [F, BANDS], or None where the envelope is not sent (power 0).
    """

    quantised: np.ndarray
    levels: np.ndarray | None


@dataclass(frozen=True)
class Decoded(Frames):
    """Frames as the decoder has them: with the row of the coding tables, int32 [F, HOP], that described every magnitude."""

    rows: np.ndarray


@dataclass(frozen=True)
class Side:
    """What decoder and encoder know of frames before their coefficients: rows need `relative`, sound needs the rest."""

    mode: str
    spread_levels: np.ndarray | None
    """Level of every coefficient in 16ths [F, HOP], None without an envelope."""
    relative: np.ndarray | None
    """Level of the envelope over the quantisation step as a feature, in 8ths [F, HOP]."""

    @classmethod
    def of(cls, levels: np.ndarray | None, power: int) -> "Side":
        if levels is None:
            return cls("fidelity", None, None)
        return cls("natural", spread(levels), _relative(levels, power))


TOGETHER = 32
"""Frames that an encoder looks at together: what is worked out for them stays in a processor's cache."""
SILENCE = np.zeros(1, np.float32)
"""What came before a packet where nothing is said of it."""


def _relative(levels: np.ndarray, power: int) -> np.ndarray:
    """Level of the envelope over the quantisation step [.., HOP], in 8ths, of integer `levels` [.., BANDS]."""
    return np.clip(np.floor(spread(levels) * np.float32((POWER_UNITS - power) / (2 * POWER_UNITS))), -127, 127)


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


def coefficient_row(sums: np.ndarray, mode: str) -> np.ndarray:
    """Rows of the coding tables [...] from the network's last sums [1, ...]."""
    scale = np.floor(sums[0] * np.float32(8 / (UNIT * WEIGHT_UNIT)))
    return np.minimum(np.maximum(scale, 0), SCALES - 1).astype(np.int32) + ROW_OF_MODE[mode]


def level_row(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predicted change of a level [...] and row of the coding tables [...] from the network's last sums [2, ...]."""
    scaled = np.floor(sums * np.float32(4 / (UNIT * WEIGHT_UNIT))).astype(np.int32)
    mean = np.clip(scaled[0], -LEVEL_FRACTIONS * (HIGHEST - LOWEST), LEVEL_FRACTIONS * (HIGHEST - LOWEST))
    scale = np.clip(scaled[1], 0, LEVEL_SCALES - 1)
    whole, fraction = np.divmod(mean, LEVEL_FRACTIONS)
    return whole, LEVEL_ROW + fraction * LEVEL_SCALES + scale


def level_symbol(residuals: np.ndarray) -> np.ndarray:
    """Symbols of level `residuals`, any shape; the escape for those beyond the alphabet."""
    return np.where(np.abs(residuals) <= LEVEL_CENTRE, residuals + LEVEL_CENTRE, ESCAPE)


def _gamma_bits(value: int) -> list[int]:
    """Elias gamma code of `value` >= 0, as bits."""
    binary = [int(bit) for bit in f"{value + 1:b}"]
    return [0] * (len(binary) - 1) + binary


def _zigzag(residual: int) -> int:
    """Residuals beyond the alphabet, either sign, as 0, 1, 2 ..."""
    return 2 * (residual - LEVEL_CENTRE - 1) if residual > 0 else 2 * (-residual - LEVEL_CENTRE) - 1


class _Script:
    """Symbols of all frames, put down part by part as each frame has them, and then read frame by frame."""

    def __init__(self, num_frames: int):
        self._frames = np.arange(num_frames)
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def put(self, symbols: np.ndarray, rows: np.ndarray) -> None:
        """The same number of `symbols` [F, n] for each frame, with their rows [F, n]."""
        self._parts.append((np.repeat(self._frames, symbols.shape[1]), symbols.ravel(), rows.ravel()))

    def put_bits(self, of_frame: np.ndarray, bits: Sequence[int] | np.ndarray) -> None:
        """Some `bits` [n], each of the frame `of_frame` [n]."""
        self._parts.append((of_frame, np.asarray(bits, np.int32), np.full(len(bits), BIT_ROW, np.int32)))

    def put_escapes(self, values: np.ndarray, escaped: np.ndarray, number: Callable[[int], int]) -> None:
        """The gamma code of the `number` that each of `values` [F, n] is told by where it `escaped`."""
        for frame, place in np.argwhere(escaped):
            bits = _gamma_bits(number(int(values[frame, place])))
            self.put_bits(np.full(len(bits), frame), bits)

    def in_order(self) -> tuple[np.ndarray, np.ndarray]:
        """Symbols and rows [n], those of a frame in the order they were put down in."""
        of_frame, symbols, rows = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        order = np.argsort(of_frame, kind="stable")
        return symbols[order], rows[order]


class EntropyCoder:
    """Codes frames with one model. `evaluate` runs the integer networks; any exact float32 matrix product will do."""

    def __init__(self, model: TransformModel, evaluate: Evaluator = Layers.__call__):
        self._model = model
        self._evaluate = evaluate

    # The encoder's side: all frames of a packet at once.

    def coefficient_inputs(
        self, quantised: np.ndarray, side: Side, power: int = 0, start: Start | None = None
    ) -> Iterator[tuple[slice, Plan, np.ndarray]]:
        """Frames, pass and its features [I, f, p] over `quantised` [F, n], some frames after the other."""
        codes = MAGNITUDE_CODES[np.minimum(np.abs(quantised), len(MAGNITUDE_CODES) - 1)]
        before, relative_before = SILENCE, SILENCE
        if start is not None:
            relative_before = _relative(start.levels, power)
            before = start.codes(relative_before if side.relative is None else side.relative[0])[: codes.shape[1]]
        pasts = [_later(codes, 1, before), _later(codes, 2, before), _slow_pasts(codes, before)]
        if side.relative is not None:
            pasts += [side.relative, _later(side.relative, 1, relative_before)]
        sent = np.minimum(codes, MAGNITUDE_CODES[ESCAPE])  # escapes come after
        for first in range(0, len(codes), TOGETHER):
            frames = slice(first, first + TOGETHER)
            parts = [past[frames] for past in pasts]
            common = CoefficientPast(*parts, *[None] * (5 - len(parts))).features()
            known = np.zeros_like(parts[0])
            for plan in COEFFICIENT_PASSES:
                yield frames, plan, coefficient_features(common, known, plan)
                known[:, plan.positions] = sent[frames, plan.positions]

    def coefficient_rows(self, quantised: np.ndarray, side: Side, power: int = 0, start: Start | None = None) -> np.ndarray:
        """Row of the coding tables [F, n] for every magnitude of `quantised` [F, n]."""
        rows = np.empty(quantised.shape, np.int32)
        layers = dict(zip(COEFFICIENT_PASSES, self._model.passes[side.mode], strict=True))
        for frames, plan, features in self.coefficient_inputs(quantised, side, power, start):
            rows[frames, plan.positions] = coefficient_row(self._evaluate(layers[plan], features), side.mode)
        return rows

    def level_inputs(self, levels: np.ndarray, start: Start | None = None) -> list[tuple[Plan, np.ndarray]]:
        """Features [I, F, p] of each pass over `levels` [F, BANDS]."""
        values = levels.astype(np.float32)
        before = SILENCE if start is None else start.levels
        previous = _later(values, 1, before)
        first = np.zeros(len(levels), np.float32)
        first[0] = start is None
        common = LevelPast(previous, _later(values, 2, before), _slow_pasts(values, before), first).features()
        change, known, inputs = np.zeros_like(values), 0, []
        for plan in LEVEL_PASSES:
            inputs.append((plan, level_features(common, change, known, plan)))
            change[:, plan.positions] = (values - previous)[:, plan.positions]
            known += change[:, plan.positions].shape[1]
        return inputs

    def level_predictions(self, levels: np.ndarray, start: Start | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Residuals [F, BANDS] of `levels` against their prediction, and the rows that describe them."""
        residuals, rows = (np.empty(levels.shape, np.int32) for _ in range(2))
        change = levels - _later(levels, 1, SILENCE if start is None else start.levels)
        for layers, (plan, features) in zip(self._model.passes["levels"], self.level_inputs(levels, start), strict=True):
            mean, rows[:, plan.positions] = level_row(self._evaluate(layers, features))
            residuals[:, plan.positions] = change[:, plan.positions] - mean
        return residuals, rows

    def _parts(self, frames: Frames, cut: int, power: int, start: Start | None):
        """Magnitude symbols and rows [F, cut], level symbols and rows [F, BANDS] (or None), level residuals."""
        quantised = frames.quantised[:, :cut]
        rows = self.coefficient_rows(quantised, Side.of(frames.levels, power), power, start)
        symbols = np.minimum(np.abs(quantised), ESCAPE)
        if frames.levels is None:
            return symbols, rows, None, None, None
        residuals, level_rows = self.level_predictions(frames.levels, start)
        level_symbols = level_symbol(residuals)
        return symbols, rows, level_symbols, level_rows, residuals

    def ideal_bits(self, frames: Frames, cut: int, power: int, start: Start | None = None) -> float:
        """Length of the packet's payload by the model's own probabilities, in bits."""
        symbols, rows, level_symbols, level_rows, residuals = self._parts(frames, cut, power, start)
        bits = self._model.tables.bits
        total = bits[rows, symbols].sum(dtype=np.float64) + np.count_nonzero(symbols)
        escaped = np.abs(frames.quantised[:, :cut])[symbols == ESCAPE] - ESCAPE
        total += (2 * np.floor(np.log2(escaped + 1)) + 1).sum()
        if residuals is not None:
            total += bits[level_rows, level_symbols].sum(dtype=np.float64)
            total += sum(len(_gamma_bits(_zigzag(int(value)))) for value in residuals[level_symbols == ESCAPE])
        return float(total)

    def encode(self, frames: Frames, cut: int, power: int) -> bytes:
        """Payload of `frames`, of which only the first `cut` coefficients may be other than zero."""
        return self.written(frames, cut, power, None).to_bytes()

    def written(self, frames: Frames, cut: int, power: int, start: Start | None) -> RangeWriter:
        """All symbols of `frames`, as `encode` has them, in contexts that begin from `start`."""
        symbols, rows, level_symbols, level_rows, residuals = self._parts(frames, cut, power, start)
        quantised = frames.quantised[:, :cut]
        script = _Script(len(symbols))
        if residuals is not None:
            for plan in LEVEL_PASSES:
                script.put(level_symbols[:, plan.positions], level_rows[:, plan.positions])
                script.put_escapes(residuals[:, plan.positions], level_symbols[:, plan.positions] == ESCAPE, _zigzag)
        for plan in COEFFICIENT_PASSES:
            script.put(symbols[:, plan.positions], rows[:, plan.positions])
        coded = quantised != 0
        script.put_bits(np.nonzero(coded)[0], quantised[coded] < 0)
        script.put_escapes(np.abs(quantised), symbols == ESCAPE, lambda magnitude: magnitude - ESCAPE)
        return write_symbols(self._model.tables, *script.in_order())

    # The decoder's side: one frame at a time, of several packets together.

    def decode(
        self, payloads: Sequence[bytes], counts: Sequence[int], cuts: Sequence[int], power: int, start: Start | None = None
    ) -> list[Decoded | BitstreamError]:
        """Frames of each payload, given how many there are and how many coefficients of a frame were sent; all begin from `start`.

        Packets do not depend on each other; one that does not decode gives its BitstreamError, the others their frames.
        """
        return _BatchDecoder(self._model, self._evaluate, payloads, counts, cuts, power, start).run()


class _BatchDecoder:
    """Decodes frame t of all packets together, since a network costs little more for eight frames than for one."""

    def __init__(self, model, evaluate, payloads, counts, cuts, power, start):
        self._model, self._evaluate, self._power, self._start = model, evaluate, power, start
        self._counts = counts
        self._readers = [RangeReader(payload) for payload in payloads]
        self._probabilities = model.tables.probabilities
        self._of_bits = np.repeat(self._probabilities[BIT_ROW : BIT_ROW + 1], HOP, axis=0)
        self._failures: dict[int, BitstreamError] = {}
        packets, frames, self._width = len(payloads), max(counts), max(max(cuts), 1)
        self._sent = [[len(range(cut)[plan.positions]) for cut in cuts] for plan in COEFFICIENT_PASSES]
        self._quantised = np.zeros((packets, frames, HOP), np.int32)
        self._rows = np.zeros((packets, frames, HOP), np.int32)
        self._levels = np.zeros((packets, frames, BANDS), np.int32) if power else None

    def run(self) -> list[Decoded | BitstreamError]:
        packets, frames = self._quantised.shape[:2]
        codes = [np.zeros((packets, self._width), np.float32) for _ in range(2)]
        slow = np.zeros((packets, self._width), np.float32)
        levels_before, relative_before = SILENCE, SILENCE
        if self._start is not None:
            levels_before, relative_before = self._start.levels.astype(np.float32), _relative(self._start.levels, self._power)
        relative_previous = np.broadcast_to(relative_before, (packets, HOP)) if self._power else None
        before = np.broadcast_to(levels_before, (packets, BANDS))
        level_past = LevelPast(before, before, 8 * before, np.full(packets, self._start is None, np.float32))
        for frame in range(frames):
            active = [p for p in range(packets) if frame < self._counts[p] and p not in self._failures]
            if not active:
                break
            side = Side.of(None, 0)
            if self._levels is not None:
                levels = self._decode_levels(active, level_past)
                self._levels[:, frame] = levels
                values = levels.astype(np.float32)
                slow_levels = slow_average(level_past.slow, values)
                level_past = LevelPast(values, level_past.previous, slow_levels, np.zeros(packets, np.float32))
                side = Side.of(levels, self._power)
            if frame == 0 and self._start is not None:
                relative = np.broadcast_to(relative_before, (packets, HOP)) if side.relative is None else side.relative
                codes = [self._start.codes(relative)[:, : self._width]] * 2
                slow = 8 * codes[0]
            past = CoefficientPast(codes[0], codes[1], slow, side.relative, relative_previous)
            quantised, self._rows[:, frame, : self._width] = self._decode_coefficients(active, past, side.mode)
            self._quantised[:, frame, : self._width] = quantised
            current = MAGNITUDE_CODES[np.minimum(np.abs(quantised), len(MAGNITUDE_CODES) - 1)]
            slow = slow_average(slow, current)
            codes = [current, codes[0]]
            relative_previous = side.relative
        return [
            self._failures.get(p)
            or Decoded(self._quantised[p, :count], None if self._levels is None else self._levels[p, :count], self._rows[p, :count])
            for p, count in enumerate(self._counts)
        ]

    def _each(self, active: list[int], read: Callable[[int, RangeReader], None]) -> None:
        """Call `read` for every active packet; one that fails is left out from then on."""
        for packet in active:
            if packet not in self._failures:
                try:
                    read(packet, self._readers[packet])
                except BitstreamError as error:
                    self._failures[packet] = error

    def _decode_levels(self, active: list[int], past: LevelPast) -> np.ndarray:
        """Levels int32 [packets, BANDS] of the next frame."""
        common, known = past.features(), 0
        change = np.zeros(past.previous.shape, np.float32)
        for layers, plan in zip(self._model.passes["levels"], LEVEL_PASSES, strict=True):
            mean, rows = level_row(self._evaluate(layers, level_features(common, change, known, plan)))
            weights = self._probabilities[rows]
            residuals = np.full(rows.shape, LEVEL_CENTRE)  # where nothing is read, nothing is surprising

            def read(packet, reader, weights=weights, residuals=residuals):
                residuals[packet] = symbols = reader.read(weights[packet])
                if symbols.max() == ESCAPE:
                    for index in np.flatnonzero(symbols == ESCAPE):
                        code = self._read_gamma(reader)
                        residuals[packet, index] = ESCAPE + code // 2 if code % 2 == 0 else -((code + 1) // 2)

            self._each(active, read)
            change[:, plan.positions] = mean + residuals - LEVEL_CENTRE
            values = past.previous[:, plan.positions] + change[:, plan.positions]
            for packet in np.flatnonzero((values < LOWEST).any(axis=1) | (values > HIGHEST).any(axis=1)):
                if packet in active:
                    self._failures.setdefault(int(packet), BitstreamError("packet holds a level out of range"))
            known += rows.shape[1]
        return (past.previous + change).astype(np.int32)

    def _decode_coefficients(self, active: list[int], past: CoefficientPast, mode: str) -> tuple[np.ndarray, np.ndarray]:
        """Quantised coefficients and their rows, int32 [packets, width], of the next frame."""
        common = past.features()
        codes = np.zeros(past.previous.shape, np.float32)
        magnitudes = np.zeros(past.previous.shape, np.int32)
        all_rows = np.empty(past.previous.shape, np.int32)
        for layers, plan, counts in zip(self._model.passes[mode], COEFFICIENT_PASSES, self._sent, strict=True):
            all_rows[:, plan.positions] = rows = coefficient_row(self._evaluate(layers, coefficient_features(common, codes, plan)), mode)
            weights, found = self._probabilities[rows], magnitudes[:, plan.positions]

            def read(packet, reader, weights=weights, found=found, counts=counts):
                count = counts[packet]
                found[packet, :count] = reader.read(weights[packet, :count])

            self._each(active, read)
            codes[:, plan.positions] = MAGNITUDE_CODES[found]
        self._decode_signs(active, magnitudes)
        return magnitudes, all_rows

    def _decode_signs(self, active: list[int], magnitudes: np.ndarray) -> None:
        """Give `magnitudes` [packets, width] their signs, and those that escaped the tables their size."""
        of_packet, places = np.nonzero(magnitudes)
        ends = np.searchsorted(of_packet, np.arange(1, len(magnitudes) + 1))
        escapes = set(of_packet[magnitudes[of_packet, places] == ESCAPE].tolist())

        def read(packet, reader):
            own = places[ends[packet - 1] if packet else 0 : ends[packet]]
            signs = 1 - 2 * (reader.read(self._of_bits[: len(own)]) != 0)
            values = magnitudes[packet]
            if packet in escapes:
                for index in np.flatnonzero(values == ESCAPE):
                    values[index] += min(self._read_gamma(reader), MAX_MAGNITUDE)
            values[own] *= signs

        self._each(active, read)

    def _read_gamma(self, reader: RangeReader) -> int:
        """The next Elias gamma code. Raises BitstreamError where it is longer than any that is ever written."""
        zeros = 0
        while reader.read(self._of_bits[:1])[0] == 0:
            zeros += 1
            if zeros > MAX_GAMMA_ZEROS:
                raise BitstreamError("packet holds a number out of range")
        value = 1
        for digit in reader.read(self._of_bits[:zeros]):
            value = 2 * value + int(digit != 0)
        return value - 1
