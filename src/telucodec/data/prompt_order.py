"""Sentences in the order in which reading them aloud covers pairs of neighbouring sounds soonest.

Greedy: the next sentence is the one that adds the most new pairs for each sound it takes to read, the earlier one in the file among
equals. What a sentence adds only shrinks as others are taken, so a heap of old values needs few new ones (Minoux, "Accelerated greedy
algorithms for maximizing submodular set functions", 1978): some 1 s for 10,000 sentences. Once nothing is new the rest follow as they
stood in the file.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from telucodec.data.phones import is_telugu, phones


@dataclass(frozen=True)
class Coverage:
    """How many of the pairs in a pool of sentences some of them hold."""

    covered: int
    total: int
    kind: str
    """What they are: pairs of neighbouring sounds, or of letters where sounds are not known."""

    def __str__(self) -> str:
        return f"{self.covered} of {self.total} {self.kind}"


def sound_pairs(text: str) -> set[tuple[str, str]]:
    """Return the pairs of neighbouring sounds of `text`, pauses at its ends included."""
    return set(pairwise(phones(text)))


def in_order(sentences: Sequence[str]) -> list[str]:
    """Return all of `sentences`, those first that add most new pairs a sound."""
    pairs = [sound_pairs(text) for text in sentences]
    sizes = [max(1, len(phones(text)) - 1) for text in sentences]
    covered: set[tuple[str, str]] = set()
    heap = [(-len(new) / size, place) for place, (new, size) in enumerate(zip(pairs, sizes, strict=True))]
    heapq.heapify(heap)
    taken: dict[int, str] = {}
    while heap and heap[0][0] < 0:
        _, place = heapq.heappop(heap)
        now = (-len(pairs[place] - covered) / sizes[place], place)
        if heap and now > heap[0]:
            heapq.heappush(heap, now)
        elif now[0] < 0:
            taken[place] = sentences[place]
            covered |= pairs[place]
    return [*taken.values(), *(text for place, text in enumerate(sentences) if place not in taken)]


class Pool:
    """The sentences there are to read, and the pairs they hold."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self.pairs = set().union(*map(sound_pairs, sentences))
        self.kind = "pairs of neighbouring sounds" if is_telugu(list(sentences)) else "pairs of neighbouring letters"

    def coverage(self, read: Iterable[str]) -> Coverage:
        """Return how many pairs of the pool the sentences `read` hold."""
        held = set().union(*map(sound_pairs, read))
        return Coverage(len(held & self.pairs), len(self.pairs), self.kind)
