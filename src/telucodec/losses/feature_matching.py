"""Feature matching, normalised (EnCodec, arXiv:2210.13438, section 3.4): what was made should look to each layer of each judge as the real does.

Each layer's L1 distance is divided by the mean size of the real activations, so that layers of a judge count alike and a judge
cannot gain by growing; DAC and HiFi-GAN leave that division out.
"""

from collections.abc import Sequence

from torch import Tensor

SMALLEST = 1e-5
"""Mean size of real activations that is divided by at least: a layer that sees nothing gives no infinity."""


def feature_matching(real: Sequence[Sequence[Tensor]], made: Sequence[Sequence[Tensor]]) -> Tensor:
    """Mean over judges, of each over its layers, of mean |real - made| / mean |real|; no gradient reaches the real ones."""
    judges = [
        sum(_difference(r.detach().float(), m.float()) for r, m in zip(real_layers, made_layers, strict=True)) / len(real_layers)
        for real_layers, made_layers in zip(real, made, strict=True)
    ]
    return sum(judges) / len(judges)


def _difference(real: Tensor, made: Tensor) -> Tensor:
    return (real - made).abs().mean() / real.abs().mean().clamp_min(SMALLEST)
