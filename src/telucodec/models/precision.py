"""Float32 within mixed precision, for what bfloat16's 8 bits would ruin: transforms, distances and logarithms."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def in_float32(x: Tensor) -> AbstractContextManager:
    """Turn autocast off on the device of x; inputs must be cast by hand. Without autocast it leaves no trace in an exported graph."""
    device = x.device.type
    return torch.autocast(device, enabled=False) if torch.is_autocast_enabled(device) else nullcontext()
