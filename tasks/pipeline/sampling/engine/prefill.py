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
TOGETHER = 128
"""Rows of the model, prompts times tokens, in which first pieces of equal length are computed together."""
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
    """Computes prompts and remembers their pieces: a few-shot prefix common to many cells is paid once.

    Args:
        model: A causal language model.
        together: Whether prompts side by side come out as each alone would.
    """

    def __init__(self, model: Any, together: bool = False) -> None:
        self.model, self.together = model, together
        self._pieces: OrderedDict[tuple[int, ...], _Piece] = OrderedDict()
        self._prepared: dict[tuple[int, ...], _Piece] = {}

    @torch.inference_mode()
    def prepare(self, prompts: Sequence[Sequence[int]]) -> int:
        """Compute first pieces of equal length side by side, for the coming calls of `prefill`.

        A short prompt takes its time by calling operations, not by multiplying.

        Returns:
            Tokens computed.
        """
        self._prepared.clear()
        if not self.together:
            return 0
        by_length: dict[int, list[tuple[int, ...]]] = {}
        for piece in dict.fromkeys(tuple(tokens[:PIECE]) for tokens in prompts):
            if piece not in self._pieces:
                by_length.setdefault(len(piece), []).append(piece)
        for length, pieces in by_length.items():
            for start in range(0, len(pieces), TOGETHER // length):
                some = pieces[start : start + TOGETHER // length]
                self._prepared |= zip(some, self._compute(DynamicCache(), some, 0), strict=True)
        return sum(map(len, self._prepared))

    @torch.inference_mode()
    def prefill(self, tokens: Sequence[int]) -> Prefill:
        """Run the prompt through the model: its numbers depend on nothing else."""
        cache, n_computed = DynamicCache(), 0
        for start in range(0, len(tokens), PIECE):
            key = tuple(tokens[: start + PIECE])
            if known := self._pieces.get(key) or self._prepared.pop(key, None):
                _append(cache, known.layers)
                self._pieces[key] = known
            else:
                (self._pieces[key],) = self._compute(cache, [key], start)
                n_computed += len(key) - start
            self._pieces.move_to_end(key)
        layers = [(layer.keys, layer.values) for layer in cache.layers]
        prefill = Prefill(layers, self._pieces[key].logits, len(tokens), n_computed)
        self._forget()
        return prefill

    def _compute(self, cache: DynamicCache, prompts: Sequence[tuple[int, ...]], start: int) -> list[_Piece]:
        """What follows the first `start` tokens, which lie in the cache, of prompts of equal length."""
        device, end = self.model.device, len(prompts[0])
        output = self.model(
            input_ids=torch.tensor([tokens[start:] for tokens in prompts], device=device),
            position_ids=torch.arange(start, end, device=device).expand(len(prompts), -1),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return [
            _Piece(
                [
                    (layer.keys[n : n + 1, :, start:].clone(), layer.values[n : n + 1, :, start:].clone())
                    for layer in cache.layers
                ],
                output.logits[n, -1].float(),
            )
            for n in range(len(prompts))
        ]

    def _forget(self) -> None:
        while len(self._pieces) > N_PIECES:
            self._pieces.popitem(last=False)


def _append(cache: DynamicCache, layers: Layers) -> None:
    for number, (keys, values) in enumerate(layers):
        cache.update(keys, values, number)
