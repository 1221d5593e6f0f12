"""What is under test, by the words of `evaluate --model`: each model at each rate that it is asked for, under a name of its own."""

import os
from collections.abc import Sequence
from pathlib import Path

from telucodec.data.manifest import told_apart
from telucodec.evaluation.contender import Contender
from telucodec.evaluation.ours import modes, ours
from telucodec.evaluation.unpacked import ENCODEC, runs_by_pytorch, unpacked
from telucodec.files import printable

SHIPPED = "shipped"
PARTS = ("model", "bundle")
"""Folders of a run or a build that say less than the folder around them."""


def under_test(models: Sequence[str], rates: Sequence[float]) -> list[Contender]:
    """`models`, each a folder, encodec:PATH or "shipped" (nothing means that alone), at `rates` in kbps, in all modes. Raises ModelError."""
    models = models or [SHIPPED]
    names = told_apart([called(model) for model in models])
    if len(models) == 1 and not runs_by_pytorch(models[0]):
        names = ["telucodec"]
    return [contender for model, name in zip(models, names, strict=True) for contender in _at(rates, model, name)]


def called(model: str) -> str:
    """`model` in tables and names of files: its folder, or that of the run or build that it is part of."""
    if model.startswith(ENCODEC):
        return ENCODEC.removesuffix(":")
    path = Path(os.path.realpath(model))
    return printable(path.parent.name if path.name in PARTS else path.name)


def _at(rates: Sequence[float], model: str, name: str) -> list[Contender]:
    if not rates:
        return []
    if runs_by_pytorch(model):
        return unpacked(model, rates, name)
    folder = None if model == SHIPPED else Path(model)
    return [ours(folder, kbps, mode, name) for kbps in rates for mode in modes(folder)]
