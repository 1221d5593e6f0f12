"""A codec that cannot be packed, run by PyTorch, as a contender: EnCodec as it came, or as a run took it further.

Only its codes are counted, each at a fixed length, as they would be sent without an entropy coder, header and checksums.
"""

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from telucodec.audio.media import SAMPLE_RATE
from telucodec.errors import ModelError
from telucodec.evaluation.baselines.library import of_python
from telucodec.evaluation.contender import Contender
from telucodec.runtime.bundle import FILE_NAME as BUNDLE
from telucodec.runtime.unpacked import packable, trained_in

if TYPE_CHECKING:
    from telucodec.models.trained import Trained

ENCODEC = "encodec:"
"""Before a folder with EnCodec's weights, as in `telucodec train --from`."""


class Coded(NamedTuple):
    """Codes [K, F] of a sound of so many samples at 16 kHz."""

    codes: np.ndarray
    num_samples: int


def runs_by_pytorch(model: str) -> bool:
    """Whether `model` is EnCodec's weights, or a run of them that nothing else can run."""
    if model.startswith(ENCODEC):
        return True
    trained = trained_in(Path(model))
    return trained is not None and not (Path(model) / BUNDLE).exists() and not packable(trained)


def unpacked(model: str, rates: Sequence[float], called: str) -> list[Contender]:
    """`model` with the most codebooks that take no more than each of `rates` in kbps, each number of them once. Raises ModelError."""
    trained = _trained(model)
    counts = {
        max([count for count in range(1, trained.num_codebooks + 1) if trained.kbps(count) <= kbps + 1e-9], default=1) for kbps in rates
    }
    return [_contender(model, count, called) for count in sorted(counts)]


def _contender(model: str, count: int, called: str) -> Contender:
    from telucodec.models.trained import digest

    trained = _trained(model)
    kbps, resampled = (
        trained.kbps(count),
        f", resampled to {trained.sample_rate / 1000:g} kHz and back" * (trained.sample_rate != SAMPLE_RATE),
    )
    return Contender(
        name=f"{called}_codes_{kbps:g}",
        label=f"{called} codes, {kbps:g} kbps",
        family=f"{called} codes",
        encode=partial(_encode, model=model, count=count),
        decode=partial(_decode, model=model),
        num_bytes=partial(_num_bytes, code_bits=trained.code_bits),
        model=digest(model),
        note=f"codes of {trained.code_bits} bits each counted alone, without header and checksums; run by PyTorch{resampled}",
        library=partial(of_python, "torch", "transformers"),
    )


@cache  # once a process
def _trained(model: str) -> "Trained":
    try:
        from telucodec.models.trained import Trained, trained_codec
    except ModuleNotFoundError as error:
        raise ModelError(f'{model}: is run by PyTorch ({error.name} is missing); pip install "telucodec[train,encodec]"') from error
    return Trained(trained_codec(model))


def _encode(wave: np.ndarray, model: str, count: int) -> Coded:
    return Coded(_trained(model).encode(wave, count), wave.shape[-1])


def _decode(coded: Coded, model: str) -> np.ndarray:
    return _trained(model).decode(*coded)


def _num_bytes(coded: Coded, code_bits: int) -> int:
    return -(-coded.codes.size * code_bits // 8)
