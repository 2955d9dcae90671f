"""Prompts, computed once and remembered piece by piece."""

from collections import OrderedDict
from collections.abc import KeysView, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

PIECE = 64
"""Tokens of a prompt that go through the model at once. A piece has the same shape whether what goes before
it was remembered or computed, so remembering never changes a score; 64 rows keep a CPU's multipliers busy."""
GRANULE = 8
"""First pieces are filled up to a multiple of so many tokens, so that pieces of like length share a batch."""
TOGETHER = 512
"""Rows of the model, prompts times tokens, in which first pieces of like length are computed together."""
N_PIECES = 32
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
        common: Tokens that prompts begin with, such as a system message; computed once for all of them.
    """

    def __init__(self, model: Any, together: bool = False, common: Sequence[int] = ()) -> None:
        self.model, self.together, self.common = model, together, tuple(common)
        self._prefix: Layers = []
        self._pieces: OrderedDict[tuple[int, ...], _Piece] = OrderedDict()
        self._prepared: dict[tuple[int, ...], _Piece] = {}

    @torch.inference_mode()
    def prepare(self, prompts: Sequence[Sequence[int]], coming: Sequence[Sequence[int]] = ()) -> int:
        """Compute first pieces of like length side by side, for later calls of `prefill`.

        A short prompt takes its time by calling operations, not by multiplying.

        Args:
            prompts: Whose first pieces are needed now.
            coming: Prompts that fill up the batches of these.

        Returns:
            Tokens computed.
        """
        if not self.together:
            return 0
        needed, others = self._unknown(prompts), self._unknown(coming)
        by_length: dict[tuple[int, int], list[tuple[int, ...]]] = {}
        for piece in needed:
            by_length.setdefault(self._shape(piece), []).append(piece)
        for piece in others:
            if (shape := self._shape(piece)) in by_length and piece not in by_length[shape]:
                by_length[shape].append(piece)
        n_computed = 0
        for (start, length), pieces in by_length.items():
            size = max(1, TOGETHER // length)
            for first in range(0, len(pieces), size):
                some = pieces[first : first + size]
                if not needed.isdisjoint(some):
                    self._prepared |= zip(
                        some, self._compute(self._cache(start, len(some)), some, start), strict=True
                    )
                    n_computed += sum(len(piece) - start for piece in some)
        return n_computed

    @torch.inference_mode()
    def prefill(self, tokens: Sequence[int]) -> Prefill:
        """Run the prompt through the model: its numbers depend on nothing else."""
        begin = self._begin(tokens)
        cache, n_computed = self._cache(begin, 1), 0
        for start in range(begin, len(tokens), PIECE):
            key = tuple(tokens[: start + PIECE])
            if known := self._pieces.get(key) or self._prepared.pop(key, None):
                append(cache, known.layers)
                self._pieces[key] = known
            else:
                (self._pieces[key],) = self._compute(cache, [key], start)
                n_computed += len(key) - start
            self._pieces.move_to_end(key)
        layers = [(layer.keys, layer.values) for layer in cache.layers]
        prefill = Prefill(layers, self._pieces[key].logits, len(tokens), n_computed)
        self._forget()
        return prefill

    def _begin(self, tokens: Sequence[int]) -> int:
        """Where the first piece begins: after the common tokens, if the prompt begins with these."""
        n_common = len(self.common)
        return n_common if len(tokens) > n_common and tuple(tokens[:n_common]) == self.common else 0

    def _unknown(self, prompts: Sequence[Sequence[int]]) -> KeysView[tuple[int, ...]]:
        """First pieces, with what goes before, that are neither remembered nor prepared."""
        pieces = (tuple(tokens[: self._begin(tokens) + PIECE]) for tokens in prompts)
        known = self._pieces.keys() | self._prepared.keys()
        return dict.fromkeys(piece for piece in pieces if piece not in known).keys()

    def _shape(self, piece: tuple[int, ...]) -> tuple[int, int]:
        """Where a piece begins, and its tokens with those that fill it up."""
        begin = self._begin(piece)
        return begin, -(-(len(piece) - begin) // GRANULE) * GRANULE

    def _cache(self, begin: int, n_prompts: int) -> DynamicCache:
        """What comes before first pieces: nothing, or the common tokens."""
        cache = DynamicCache()
        if begin:
            if not self._prefix:
                (piece,) = self._compute(DynamicCache(), [self.common], 0)
                self._prefix = piece.layers
            size = n_prompts, -1, -1, -1
            append(cache, [(keys.expand(size), values.expand(size)) for keys, values in self._prefix])
        return cache

    def _compute(self, cache: DynamicCache, prompts: Sequence[tuple[int, ...]], start: int) -> list[_Piece]:
        """What follows the first `start` tokens, which lie in the cache, of prompts of like length.

        Tokens that fill a prompt up come after it, where no token of it looks.
        """
        device, lengths = self.model.device, [len(tokens) - start for tokens in prompts]
        longest = -(-max(lengths) // GRANULE) * GRANULE
        ids = torch.zeros((len(prompts), longest), dtype=torch.int64)
        for number, tokens in enumerate(prompts):
            ids[number, : lengths[number]] = torch.tensor(tokens[start:])
        # The last places may lie beyond those that the model knows.
        positions = torch.arange(start, start + longest).clamp(max=start + max(lengths) - 1)
        ends = sorted(set(lengths))
        output = self.model(
            input_ids=ids.to(device),
            position_ids=positions.to(device).expand(len(prompts), -1),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=torch.tensor([length - 1 for length in ends], device=device),
        )
        pieces = [
            _Piece(
                [
                    (
                        layer.keys[number : number + 1, :, start : start + length].clone(),
                        layer.values[number : number + 1, :, start : start + length].clone(),
                    )
                    for layer in cache.layers
                ],
                output.logits[number, ends.index(length)].float(),
            )
            for number, length in enumerate(lengths)
        ]
        cache.crop(min(lengths) - longest)
        return pieces

    def _forget(self) -> None:
        while len(self._pieces) > N_PIECES:
            self._pieces.popitem(last=False)


def append(cache: DynamicCache, layers: Layers) -> None:
    """Put keys and values after those that lie in a cache."""
    for number, (keys, values) in enumerate(layers):
        cache.update(keys, values, number)
