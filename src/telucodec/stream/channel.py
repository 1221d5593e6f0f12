"""A line that loses packets in bursts: the two-state Markov model of Gilbert (1960) and Elliott (1963), good and bad, bad losing everything."""

from collections.abc import Iterator, Sequence

import numpy as np

from telucodec.stream.decoder import Decoder


def losses(share: float, burst: float, seed: int) -> Iterator[bool]:
    """Whether each packet in turn is lost: `share` of all, in bursts of `burst` packets in the mean.

    Raises ValueError for shares and bursts that no such line has.
    """
    if not 0 <= share < 1 or not burst >= 1 or share / (1 - share) > burst:
        raise ValueError("a line loses a share from 0 to below 1, in bursts of 1 packet or more, longer ones where more is lost")
    return _walk(share / (1 - share) / burst, 1 / burst, share, np.random.default_rng(seed))


def _walk(worsening: float, mending: float, share: float, rng: np.random.Generator) -> Iterator[bool]:
    bad = rng.random() < share
    while True:
        yield bool(bad)
        bad = rng.random() >= mending if bad else rng.random() < worsening


def received(decoder: Decoder, packets: Sequence[bytes], lost: Sequence[bool]) -> Iterator[np.ndarray]:
    """Samples [1, F HOP] that `decoder` makes of each of `packets` or in the place of it, where one packet waits until the next is there."""
    for number, packet in enumerate(packets):
        if not lost[number]:
            yield decoder.push(packet)
            continue
        following = packets[number + 1] if number + 1 < len(packets) and not lost[number + 1] else None
        recovered = decoder.recover(following) if following else None
        yield decoder.lose(following) if recovered is None else recovered
