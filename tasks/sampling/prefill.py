"""Prompts, computed once and remembered piece by piece."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

PIECE = 64
"""Tokens of a prompt that go through the model at once. A piece has the same shape whether what goes before
it was remembered or computed, so remembering never changes a score; 64 rows keep a CPU's multipliers busy."""
N_PIECES = 64
"""Pieces remembered, least recently used out first."""

Layers = list[tuple[Tensor, Tensor]]
"""Keys and values per layer, (1, heads, tokens, size of a head)."""


@dataclass(frozen=True)
class Prefill:
    """A prompt as the model sees it."""

    layers: Layers
    logits: Tensor
    """Scores of the token after the prompt, (vocabulary,), fp32."""
    n_tokens: int
    n_computed: int
    """Tokens that were not found among the remembered pieces."""


@dataclass(frozen=True)
class _Piece:
    layers: Layers
    logits: Tensor


class Prompts:
    """Computes prompts and remembers their pieces: a few-shot prefix common to many cells is paid once."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self._pieces: OrderedDict[tuple[int, ...], _Piece] = OrderedDict()

    @torch.inference_mode()
    def prefill(self, tokens: Sequence[int]) -> Prefill:
        """Run the prompt through the model, alone: its numbers depend on nothing else."""
        cache, n_computed = DynamicCache(), 0
        for start in range(0, len(tokens), PIECE):
            key = tuple(tokens[: start + PIECE])
            if key in self._pieces:
                _append(cache, self._pieces[key].layers)
            else:
                self._pieces[key] = self._compute(cache, key, start)
                n_computed += len(key) - start
            self._pieces.move_to_end(key)
        layers = [(layer.keys, layer.values) for layer in cache.layers]
        prefill = Prefill(layers, self._pieces[key].logits, len(tokens), n_computed)
        self._forget()
        return prefill

    def _compute(self, cache: DynamicCache, tokens: tuple[int, ...], start: int) -> _Piece:
        device = self.model.device
        output = self.model(
            input_ids=torch.tensor([tokens[start:]], device=device),
            position_ids=torch.arange(start, len(tokens), device=device)[None],
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        layers = [
            (layer.keys[:, :, start:].clone(), layer.values[:, :, start:].clone()) for layer in cache.layers
        ]
        return _Piece(layers, output.logits[0, -1].float())

    def _forget(self) -> None:
        while len(self._pieces) > N_PIECES:
            self._pieces.popitem(last=False)


def _append(cache: DynamicCache, layers: Layers) -> None:
    for number, (keys, values) in enumerate(layers):
        cache.update(keys, values, number)
