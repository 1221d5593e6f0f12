"""Modules that look only backwards, and pass on what they remember: `forward` is one `step` from silence.

State is a flat list of tensors, passed in and handed back, never kept on the module, so that an exported graph takes it as input and
output, and a stream cut anywhere gives what the whole gives.
"""

import torch
from torch import Tensor, nn

State = list[Tensor]


class Causal(nn.Module):
    """What remembers nothing: it need only say what `apply_to` does. The others say `num_states`, `silence` and `step`."""

    num_states = 0
    """Tensors of its state."""

    def apply_to(self, x: Tensor) -> Tensor:
        """Output for input x, each frame on its own."""
        raise NotImplementedError

    def silence(self, batch_size: int) -> State:
        """State after endless silence."""
        return []

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Output for x [B, C, T] that follows `state`, and the state after it."""
        return self.apply_to(x), []

    def forward(self, x: Tensor) -> Tensor:
        return self.step(x, self.silence(len(x)))[0]


class Chain(Causal):
    """Modules one after the other."""

    def __init__(self, *links: Causal):
        super().__init__()
        self.links = nn.ModuleList(links)

    @property
    def num_states(self) -> int:
        return sum(link.num_states for link in self.links)

    def silence(self, batch_size: int) -> State:
        return [tensor for link in self.links for tensor in link.silence(batch_size)]

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        after: State = []
        for link in self.links:
            x, kept = link.step(x, state[len(after) : len(after) + link.num_states])
            after += kept
        return x, after


class Residual(Chain):
    """A chain whose input is added to its output."""

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, after = super().step(x, state)
        return x + y, after


class Gain(Causal):
    """Times a fixed number."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = factor

    def apply_to(self, x: Tensor) -> Tensor:
        return self.factor * x


class Delay(Causal):
    """Puts out what came `num_samples` before. Shapes: x [B, 1, T], state [B, 1, num_samples]."""

    num_states = 1

    def __init__(self, num_samples: int):
        super().__init__()
        self.register_buffer("before", torch.zeros(1, num_samples), persistent=False)

    def silence(self, batch_size: int) -> State:
        return [self.before.new_zeros(batch_size, *self.before.shape)]

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        x = torch.cat([state[0].to(x.dtype), x], dim=-1)
        length = x.shape[-1] - self.before.shape[-1]
        return x[..., :length], [x[..., length:]]


class Tanh(Causal):
    """Keeps samples within full scale, at the price of bending loud ones."""

    def apply_to(self, x: Tensor) -> Tensor:
        return x.tanh()
