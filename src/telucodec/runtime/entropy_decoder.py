"""Payloads -> a packet's integers: the decoder's side of `entropy`, one frame at a time, of several packets together."""

from collections.abc import Callable, Sequence

import numpy as np

from telucodec.bitstream.rangecoder import RangeReader
from telucodec.errors import BitstreamError
from telucodec.runtime.context import (
    COEFFICIENT_PASSES,
    EVERYWHERE,
    LEVEL_PASSES,
    MAGNITUDE_CODES,
    CoefficientContext,
    LevelContext,
    slow_average,
)
from telucodec.runtime.envelope import BANDS, HIGHEST, LOWEST
from telucodec.runtime.frames import (
    LEVEL_CENTRE,
    MAX_GAMMA_ZEROS,
    MAX_MAGNITUDE,
    SILENCE,
    Decoded,
    Side,
    level_row,
    relative_levels,
    tail_rows,
)
from telucodec.runtime.model import BIT_ROW, ESCAPE, HOP, SECOND_ROW, SIGN_ROW_OF_MODE, TAIL_END, TransformModel
from telucodec.runtime.rows import MagnitudeRows
from telucodec.runtime.signs import SignContext, likelier
from telucodec.runtime.start import Start
from telucodec.runtime.trellis import LANE, NEXT


class BatchDecoder:
    """Decodes frame t of all packets together, since a network costs little more for eight frames than for one."""

    def __init__(
        self,
        model: TransformModel,
        magnitude_rows: MagnitudeRows,
        payloads: Sequence[bytes],
        counts: Sequence[int],
        cuts: Sequence[int],
        power: int,
        start: Start | None,
    ):
        """For each of `payloads`, how many frames it holds, and how many coefficients of a frame were sent; contexts of all begin from `start`."""
        self._model, self._power, self._start = model, power, start
        self._magnitude_rows = magnitude_rows
        self._counts = counts
        self._readers = [RangeReader(payload) for payload in payloads]
        self._probabilities = model.tables.probabilities
        self._of_bits = np.repeat(self._probabilities[BIT_ROW : BIT_ROW + 1], HOP, axis=0)
        self._failures: dict[int, BitstreamError] = {}
        packets, frames, self._width = len(payloads), max(counts), max(max(cuts), 1)
        self._inside = np.arange(self._width) < np.array(cuts)[:, None]  # [packets, width]
        self._halves = np.zeros((packets, frames, HOP), np.int32)
        self._rows = np.zeros((packets, frames, HOP), np.int16)
        self._levels = np.zeros((packets, frames, BANDS), np.int32) if power else None
        self._level_context, self._context = LevelContext(packets, BANDS), CoefficientContext(packets, HOP)
        self._signs = SignContext(packets, self._width)
        self._states = np.zeros((packets, -(-self._width // LANE)), np.int32)

    def run(self) -> list[Decoded | BitstreamError]:
        """Frames of each packet, or the error of one that does not decode."""
        packets, frames = self._halves.shape[:2]
        codes = [np.zeros((packets, self._width), np.float32) for _ in range(2)]
        slow = np.zeros((packets, self._width), np.float32)
        levels_before, relative_before = SILENCE, SILENCE
        if self._start is not None:
            levels_before = self._start.levels.astype(np.float32)
            relative_before = relative_levels(self._start.levels, self._power, self._model.shaping)
        relative_previous = np.broadcast_to(relative_before, (packets, HOP)) if self._power else None
        before = np.broadcast_to(levels_before, (packets, BANDS))
        level_past = before, before, 8 * before, np.full(packets, self._start is None, np.float32)
        for frame in range(frames):
            active = [p for p in range(packets) if frame < self._counts[p] and p not in self._failures]
            if not active:
                break
            side = Side.of(None, 0, self._model.shaping)
            if self._levels is not None:
                self._level_context.begin(*level_past)
                self._levels[:, frame] = levels = self._decode_levels(active, level_past[0])
                values = levels.astype(np.float32)
                level_past = values, level_past[0], slow_average(level_past[2], values), np.zeros(packets, np.float32)
                side = Side.of(levels, self._power, self._model.shaping)
            if frame == 0 and self._start is not None:
                relative = np.broadcast_to(relative_before, (packets, HOP)) if side.relative is None else side.relative
                codes = [self._inside * self._start.codes(relative)[:, : self._width]] * 2
                slow = 8 * codes[0]
            self._context.begin(codes[0], codes[1], slow, side.relative, relative_previous)
            sent = self._inside & side.sent(self._inside.shape)
            halves, self._rows[:, frame, : self._width] = self._decode_coefficients(active, sent, side.mode, codes[0])
            self._halves[:, frame, : self._width] = halves
            current = MAGNITUDE_CODES[np.minimum(np.abs(halves), len(MAGNITUDE_CODES) - 1)]
            slow = slow_average(slow, current)
            codes = [current, codes[0]]
            relative_previous = side.relative
        return [
            self._failures.get(p)
            or Decoded(self._halves[p, :count], None if self._levels is None else self._levels[p, :count], self._rows[p, :count])
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

    def _read_some(self, active: list[int], of_packet: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The next symbols [n] of the packets `of_packet` [n], which rises, with `weights` [n, S]; 0 where a packet fails."""
        symbols = np.zeros(len(of_packet), np.int32)
        ends = np.searchsorted(of_packet, np.arange(len(self._readers) + 1)).tolist()

        def read(packet, reader):
            own = slice(ends[packet], ends[packet + 1])
            symbols[own] = reader.read(weights[own])

        self._each([packet for packet in active if ends[packet] < ends[packet + 1]], read)
        return symbols

    def _decode_levels(self, active: list[int], previous: np.ndarray) -> np.ndarray:
        """Levels int32 [packets, BANDS] of the next frame, `previous` [packets, BANDS] being those of the last one."""
        levels = previous.copy()
        for layers, plan in zip(self._model.passes["levels"], LEVEL_PASSES, strict=True):
            _, bands, features = self._level_context.features(plan)
            mean, rows = level_row(layers(features[:, None], bands // plan.stride).reshape(2, len(previous), -1))
            weights = self._probabilities[rows]
            residuals = np.full(rows.shape, LEVEL_CENTRE)  # where nothing is read, nothing is surprising

            def read(packet, reader, weights=weights, residuals=residuals):
                residuals[packet] = symbols = reader.read(weights[packet])
                if symbols.max() == ESCAPE:
                    for index in np.flatnonzero(symbols == ESCAPE):
                        code = self._read_gamma(reader)
                        residuals[packet, index] = ESCAPE + code // 2 if code % 2 == 0 else -((code + 1) // 2)

            self._each(active, read)
            change = (mean + residuals - LEVEL_CENTRE).astype(np.float32)
            self._level_context.tell(change, plan)
            levels[:, plan.positions] += change
        for packet in np.flatnonzero((levels < LOWEST).any(axis=1) | (levels > HIGHEST).any(axis=1)):
            if packet in active:
                self._failures.setdefault(int(packet), BitstreamError("packet holds a level out of range"))
        return levels.astype(np.int32)

    def _decode_coefficients(self, active: list[int], sent: np.ndarray, mode: str, previous: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients in half steps and their rows, int32 [packets, width], of the next frame, of which those `sent` [packets, width] are read.

        The frame before had the magnitude codes `previous` [packets, width].
        """
        magnitudes, all_rows = np.zeros(sent.shape, np.int32), np.zeros(sent.shape, np.int32)
        known = self._context.known[:, : self._width]
        dependent = self._model.dependent(mode)
        for plan in COEFFICIENT_PASSES:
            of_packet, places = np.nonzero(sent[:, plan.positions])
            all_rows[:, plan.positions] = found_rows = self._magnitude_rows.of_pass(self._context, plan, sent[:, plan.positions], mode)
            rows = found_rows[of_packet, places]
            states = self._states[:, : len(range(self._width)[plan.positions])]
            weights = self._probabilities[rows + SECOND_ROW * (states & 1)[of_packet, places] if dependent else rows]
            symbols = np.zeros(states.shape, np.int32)
            symbols[of_packet, places] = self._read_some(active, of_packet, weights)
            found = 2 * symbols
            if dependent:
                found -= states & (symbols > 0)
                states[:] = NEXT[states, symbols & 1]
            magnitudes[:, plan.positions] = found
            known[:, plan.positions] = MAGNITUDE_CODES[found]
        signs = self._decode_signs(active, magnitudes, mode)
        self._decode_escapes(active, magnitudes, previous)
        halves = signs * magnitudes
        self._signs.end(halves)
        return halves, all_rows

    def _decode_signs(self, active: list[int], magnitudes: np.ndarray, mode: str) -> np.ndarray:
        """Signs [packets, width] of `magnitudes` [packets, width], in half steps, as far as the tables told them."""
        self._signs.begin(magnitudes)
        signs = np.zeros_like(magnitudes)
        networks = self._model.signs(mode)
        for index, plan in enumerate(COEFFICIENT_PASSES if networks else (EVERYWHERE,)):
            of_packet, places = np.nonzero(magnitudes[:, plan.positions])
            if not len(places):
                continue
            bins = plan.start + plan.stride * places
            if networks:
                features = self._signs.features(of_packet, bins, plan)
                likely, confidence = likelier(networks[index], features, bins, plan)
                rows = SIGN_ROW_OF_MODE[mode] + confidence
            else:
                likely, rows = 1, np.full(len(bins), BIT_ROW)
            symbols = self._read_some(active, of_packet, self._probabilities[rows])
            signs[of_packet, bins] = found = likely * (1 - 2 * (symbols != 0))
            self._signs.known[of_packet, bins] = found * self._signs.magnitudes[of_packet, bins]
        return signs

    def _decode_escapes(self, active: list[int], magnitudes: np.ndarray, previous: np.ndarray) -> None:
        """Give those of `magnitudes` [packets, width], in half steps, that escaped the tables their size; the frame before had the magnitude codes `previous`."""
        of_packet, bins = np.nonzero(magnitudes >= 2 * ESCAPE - 1)
        if not len(bins):
            return
        if self._model.tails:
            rows = tail_rows(previous)
            for _ in range(0, TAIL_END, ESCAPE):
                beyond = self._read_some(active, of_packet, self._probabilities[rows[of_packet, bins]])
                magnitudes[of_packet, bins] += 2 * beyond
                of_packet, bins = of_packet[beyond == ESCAPE], bins[beyond == ESCAPE]
        places = list(zip(of_packet.tolist(), bins.tolist(), strict=True))

        def read_rest(packet, reader):
            for index in [place for owner, place in places if owner == packet]:
                magnitudes[packet, index] += 2 * min(self._read_gamma(reader), MAX_MAGNITUDE)

        self._each(active, read_rest)

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
