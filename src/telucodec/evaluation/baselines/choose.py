"""From words such as "codec2" and "opus@12" to the contenders they stand for."""

from collections.abc import Sequence

from telucodec.errors import ConfigError
from telucodec.evaluation.baselines import PEERS
from telucodec.evaluation.baselines.peer import Peer
from telucodec.evaluation.contender import Contender


def choose(words: Sequence[str], kbps: Sequence[float]) -> list[Contender]:
    """Peers by name, each once a rate, in the order asked for.

    "codec2" stands for its rates next to each of `kbps`, the nearest at or below and the nearest above; "codec2@3.2" for that one.
    A peer that cannot run here is one contender that says why. Raises ConfigError for a peer or a rate nobody knows.
    """
    asked: dict[str, dict[float, None]] = {}
    for word in words:
        name, _, rate = word.partition("@")
        if name not in PEERS:
            raise ConfigError(f"{name!r} is not a baseline; choose among {', '.join(PEERS)}")
        asked.setdefault(name, {}).update(dict.fromkeys([_exact(PEERS[name], rate)] if "@" in word else beside(PEERS[name].kbps, kbps)))
    contenders = []
    for name, rates in asked.items():
        peer, reason = PEERS[name], PEERS[name].missing()
        contenders += [peer.absent(reason)] if reason else [peer.at(rate) for rate in sorted(rates)]
    return contenders


def beside(rates: Sequence[float], kbps: Sequence[float]) -> list[float]:
    """Of `rates`, the nearest at or below and the nearest above each of `kbps`; rising."""
    below = {max((rate for rate in rates if rate <= asked), default=None) for asked in kbps}
    above = {min((rate for rate in rates if rate > asked), default=None) for asked in kbps}
    return sorted((below | above) - {None})


def _exact(peer: Peer, rate: str) -> float:
    found = next((kbps for kbps in peer.kbps if f"{kbps:g}" == rate), None)
    if found is None:
        raise ConfigError(f"{peer.name} has no rate {rate!r}; its rates in kbps are {', '.join(f'{kbps:g}' for kbps in peer.kbps)}")
    return found
