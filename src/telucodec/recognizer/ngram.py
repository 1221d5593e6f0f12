"""A language model of symbols, counted from sentences: Witten-Bell interpolation of orders 1 to n (Bell, Cleary and Witten, 1990).

p(s | h) = (c(h s) + t(h) p(s | h')) / (c(h) + t(h)), with t(h) the number of different symbols seen after h, and h' the context h
without its oldest symbol. Of symbols rather than words: most Telugu words of a talk are in no list of them.
pyctcdecode, the usual library, demands NumPy 1, and its kenlm a compiler; this needs neither, and a file of it is JSON.
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from telucodec.errors import ModelError
from telucodec.files import write_whole
from telucodec.recognizer.units import BLANK

FORMAT = "telucodec n-gram 1"
ORDERS = range(1, 21)
MOST = 1 << 53
"""Times that a symbol may be counted: floating point is exact up to there."""
MOST_KNOWN = 1 << 18
"""Probabilities that are remembered, some 40 MB; a search of an hour of speech asks for millions."""
END = BLANK
"""The end of a sentence, and what stands before its beginning."""


class NGram:
    """Probabilities of symbols 1 to N - 1 and of the end, 0, after those before."""

    def __init__(self, order: int, size: int, counts: dict[tuple[int, ...], dict[int, int]]):
        """`counts` has for each context of up to order - 1 symbols how often each symbol came after it; `size` is N."""
        self.order, self.size, self.counts = order, size, counts
        self.totals = {context: sum(after.values()) for context, after in counts.items()}
        self.known: dict[tuple[tuple[int, ...], int], float] = {}

    @classmethod
    def of(cls, sentences: Iterable[Sequence[int]], order: int, size: int) -> "NGram":
        """Counted from `sentences` of symbols."""
        counts: dict[tuple[int, ...], Counter] = defaultdict(Counter)
        for sentence in sentences:
            padded = [END] * (order - 1) + list(sentence) + [END]
            for place in range(order - 1, len(padded)):
                for length in range(order):
                    counts[tuple(padded[place - length : place])][padded[place]] += 1
        return cls(order, size, {context: dict(after) for context, after in counts.items()})

    def log_prob(self, prefix: Sequence[int], symbol: int) -> float:
        """Natural logarithm of the probability of `symbol`, or END, after `prefix` from the sentence's beginning."""
        context = tuple(([END] * (self.order - 1) + list(prefix[-(self.order - 1) :]))[-(self.order - 1) :]) if self.order > 1 else ()
        key = context, symbol
        if key not in self.known:
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            self.known[key] = math.log(self._prob(context, symbol))
        return self.known[key]

    def _prob(self, context: tuple[int, ...], symbol: int) -> float:
        lower = self._prob(context[1:], symbol) if context else 1 / self.size
        after = self.counts.get(context)
        if not after:
            return lower
        return (after.get(symbol, 0) + len(after) * lower) / (self.totals[context] + len(after))

    def perplexity(self, sentences: Iterable[Sequence[int]]) -> float:
        """Of symbols, ends counted; NaN without sentences."""
        logs = [self.log_prob(sentence[:place], symbol) for sentence in sentences for place, symbol in enumerate([*sentence, END])]
        return math.exp(-math.fsum(logs) / len(logs)) if logs else math.nan

    def save(self, path: Path) -> None:
        """Write JSON, whole or not at all."""
        lines = {" ".join(map(str, context)): after for context, after in self.counts.items()}
        content = {"format": FORMAT, "order": self.order, "size": self.size, "counts": lines}
        write_whole(path, json.dumps(content, separators=(",", ":")).encode())

    @classmethod
    def load(cls, path: Path, size: int) -> "NGram":
        """The model in `path`, of `size` units. Raises ModelError."""
        try:
            content = json.loads(Path(path).read_bytes())
            if content["format"] != FORMAT or content["size"] != size or content["order"] not in ORDERS:
                raise ModelError(f"{path}: is no language model of these {size} units; build it again with `telucodec recognizer optimize`")
            counts = {
                tuple(map(int, context.split())): {int(symbol): count for symbol, count in after.items()}
                for context, after in content["counts"].items()
            }
        except OSError as error:
            raise ModelError(f"{path}: cannot be read ({error.strerror}); build it again with `telucodec recognizer optimize`") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError(f"{path}: is no language model ({error}); build it again with `telucodec recognizer optimize`") from error
        if not all(type(count) is int and 1 <= count <= MOST for after in counts.values() for count in after.values()):
            raise ModelError(f"{path}: holds counts that are none; build it again with `telucodec recognizer optimize`")
        return cls(int(content["order"]), size, counts)
