"""Hinge losses of discriminator and generator (EnCodec, arXiv:2210.13438, section 3.4): each averaged over the judges.

They take the logits that each judge gives, of any shape, above 0 for real: one list for real waves, one for made ones.
"""

from collections.abc import Sequence

from torch import Tensor


def discriminator_hinge(real: Sequence[Tensor], made: Sequence[Tensor]) -> Tensor:
    """Mean of max(0, 1 - real) + max(0, 1 + made): 2 for a judge that says 0 to everything, 0 for one that is sure and right."""
    terms = [(1 - r.float()).relu().mean() + (1 + m.float()).relu().mean() for r, m in zip(real, made, strict=True)]
    return sum(terms) / len(terms)


def generator_hinge(made: Sequence[Tensor]) -> Tensor:
    """Mean of max(0, 1 - made): 0 once every judge takes what was made for real."""
    return sum((1 - m.float()).relu().mean() for m in made) / len(made)
