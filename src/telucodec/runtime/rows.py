"""Which row of the coding tables describes each magnitude of a pass, for encoder and decoder alike.

In fidelity mode nothing was other than zero around many places: what a network says there depends on the place and on how loud the
frame before was alone, so it is asked once for all of them.
"""

from functools import cached_property

import numpy as np

from telucodec.runtime.context import COEFFICIENT_PASSES, CoefficientContext, Plan, unheard_features
from telucodec.runtime.frames import coefficient_row
from telucodec.runtime.model import TransformModel


class MagnitudeRows:
    """Rows by one model's networks."""

    def __init__(self, model: TransformModel):
        self._model = model

    def of_pass(self, context: CoefficientContext, plan: Plan, asked: np.ndarray, mode: str) -> np.ndarray:
        """Rows int32 [B, n] of the magnitudes `asked` bool [B, n] of the pass `plan`, by what `context` knows as it begins; 0 elsewhere."""
        rows = np.zeros(asked.shape, np.int32)
        heard = context.begin_pass(plan)
        if heard is not None:
            rows += asked * self._unheard[plan][context.loudness, : asked.shape[1]]
            asked = asked & heard[:, plan.positions][:, : asked.shape[1]]
        batch, places = np.nonzero(asked)
        features = context.features(batch, plan.start + plan.stride * places, plan)
        layers = self._model.passes[mode][COEFFICIENT_PASSES.index(plan)]
        rows[batch, places] = coefficient_row(layers(features[:, None], places)[:, 0], mode)
        return rows

    @cached_property
    def _unheard(self) -> dict[Plan, np.ndarray]:
        """Rows [LOUDEST + 1, n] of a fidelity pass where nothing is heard, by the loudness of the frame before."""
        return {
            plan: coefficient_row(layers(unheard_features(plan, len(layers.bias))), "fidelity")
            for plan, layers in zip(COEFFICIENT_PASSES, self._model.passes["fidelity"], strict=True)
        }
