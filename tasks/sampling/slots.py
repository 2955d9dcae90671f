"""Keys and values of the rows being decoded: one slot per row, each filled from its own position 0.

Because every row starts at position 0 of its slot, whatever the others do, its attention sums run over the
same numbers in the same order; that is what makes a row's scores independent of its batch mates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import Cache
from transformers.cache_utils import CacheLayerMixin

GRANULE = 64
"""Slots grow by this many tokens at a time, so that they are seldom copied."""
SPAN_GRANULE = 16
"""Attention reads this many tokens more or less at a time: one AVX-512 register of fp32."""


@dataclass
class Window:
    """The part of the slots that the coming forward pass reads and writes."""

    positions: Tensor
    """Place of each row's new token in its slot, (width,), int64."""
    span: int
    """Tokens of each slot that are read."""


class SlotLayer(CacheLayerMixin):  # type: ignore[misc]
    """Keys and values of one layer, (slots, heads, tokens, size of a head)."""

    is_sliding = False

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.keys, self.values = keys, values
        self.is_initialized = True
        self.window: Window | None = None

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing to do: the tensors exist from the start."""

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: object, **__: object
    ) -> tuple[Tensor, Tensor]:
        """Write one token per row, (width, heads, 1, size), and return the span that attention reads."""
        window = self.window
        assert window is not None
        width = key_states.shape[0]
        rows = torch.arange(width, device=key_states.device)
        self.keys[rows, :, window.positions] = key_states[:, :, 0]
        self.values[rows, :, window.positions] = value_states[:, :, 0]
        return self.keys[:width, :, : window.span], self.values[:width, :, : window.span]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Length and offset of what attention reads."""
        return self.get_seq_length(), 0

    def get_seq_length(self) -> int:
        """Tokens that attention reads."""
        return self.window.span if self.window else 0

    def get_max_length(self) -> int:
        """Slots grow as they must."""
        return -1


class Slots:
    """The slots of a whole model; grows in length when a longer row is placed."""

    def __init__(self, n_slots: int) -> None:
        self.n_slots = n_slots
        self.n_tokens = 0
        self.cache = Cache(layers=[])

    @property
    def layers(self) -> list[SlotLayer]:
        """One per layer of the model."""
        return list(self.cache.layers)

    def place(self, slots: Sequence[int], prompt: Sequence[tuple[Tensor, Tensor]], n_tokens: int) -> None:
        """Copy a prompt's keys and values, (1, heads, length, size) per layer, into every one of `slots`.

        Args:
            slots: Where to.
            prompt: Keys and values per layer.
            n_tokens: Tokens that each slot must be able to hold in the end.
        """
        self._reserve(prompt, n_tokens)
        index = torch.tensor(slots, device=prompt[0][0].device)
        for layer, (keys, values) in zip(self.layers, prompt, strict=True):
            layer.keys[index, :, : keys.shape[2]] = keys
            layer.values[index, :, : values.shape[2]] = values

    def move(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        """Copy slots over others; no slot may be both source and target."""
        if not sources:
            return
        for layer in self.layers:
            index = torch.tensor([sources, targets], device=layer.keys.device)
            layer.keys[index[1]] = layer.keys[index[0]]
            layer.values[index[1]] = layer.values[index[0]]

    def open_window(self, positions: Tensor, span: int) -> None:
        """Say where the next forward pass writes, and how far it reads."""
        window = Window(positions, min(-(-span // SPAN_GRANULE) * SPAN_GRANULE, self.n_tokens))
        for layer in self.layers:
            layer.window = window

    def mask(self, positions: Tensor, dtype: torch.dtype) -> Tensor:
        """Additive attention mask of the open window, (width, 1, 1, span): 0 up to each row's own token."""
        span = self.layers[0].get_seq_length()
        seen = torch.arange(span, device=positions.device)[None] <= positions[:, None]
        mask = torch.zeros(seen.shape, dtype=dtype, device=positions.device)
        return mask.masked_fill_(~seen, torch.finfo(dtype).min)[:, None, None]

    def _reserve(self, prompt: Sequence[tuple[Tensor, Tensor]], n_tokens: int) -> None:
        if n_tokens <= self.n_tokens:
            return
        held, self.n_tokens = self.n_tokens, -(-n_tokens // GRANULE) * GRANULE
        grown = [tuple(self._room(like) for like in pair) for pair in prompt]
        for old, (keys, values) in zip(self.layers, grown, strict=False):
            keys[:, :, :held] = old.keys
            values[:, :, :held] = old.values
        self.cache = Cache(layers=[SlotLayer(keys, values) for keys, values in grown])

    def _room(self, like: Tensor) -> Tensor:
        # Zeros, not whatever lies in memory: masked places still take part, times 0, and 0 x NaN is NaN.
        return like.new_zeros(self.n_slots, like.shape[1], self.n_tokens, like.shape[3])
