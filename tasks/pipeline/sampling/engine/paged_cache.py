"""Paged key-value cache: prefix blocks for prompts, pages for the tokens that follow them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import Cache

from tasks.pipeline.sampling.engine.attention import GROUP_SIZE, PAGE, PagedCacheLayer, Window

GRANULE = 16
"""Attention reads this many tokens of a prompt more or less at a time: one AVX-512 register of fp32."""

Pages = list[int]
"""Pages of a row, oldest tokens first; the slots keep the numbers up to date as pages move."""


@dataclass(frozen=True)
class CacheSlot:
    """Where a row's keys and values lie."""

    group_slot: int
    """Slot of its prompt, counted through all tiles."""
    pages: Pages
    n_own: int
    """Tokens in its pages before the coming forward pass."""


class PagedCache:
    """Prefix blocks and pages of a whole model; both grow as needed."""

    def __init__(self) -> None:
        self.kv_cache = Cache(layers=[])
        self._n_prompt: list[int] = []
        """Tokens of the prompt in each prefix block; 0 where it is free."""
        self._owners: list[tuple[Pages, int] | None] = []
        """Whose page each is, and which of its pages; None where it is free."""

    @property
    def layers(self) -> list[PagedCacheLayer]:
        """One per layer of the model."""
        return list(self.kv_cache.layers)

    @property
    def mask(self) -> Tensor:
        """Mask of the open window; a model that is handed one does not build its own."""
        return self.layers[0].opened().mask

    def add_prefix(self, prompt: Sequence[tuple[Tensor, Tensor]]) -> int:
        """Copy a prompt's keys and values, (1, heads, tokens, size) per layer, into a free prefix block.

        Returns:
            The prefix block's number; its slots are number x `GROUP_SIZE` and the following.
        """
        n_tokens = prompt[0][0].shape[2]
        block = self._n_prompt.index(0) if 0 in self._n_prompt else len(self._n_prompt)
        self._reserve_block(prompt, block, n_tokens)
        self._n_prompt[block] = n_tokens
        for layer, (keys, values) in zip(self.layers, prompt, strict=True):
            layer.prompt_keys[block, :, :n_tokens] = keys[0]
            layer.prompt_values[block, :, :n_tokens] = values[0]
        return block

    def free_block(self, block: int) -> None:
        """Let the next prompt have this tile."""
        self._n_prompt[block] = 0

    def free_pages(self, pages: Pages) -> None:
        """Let other rows have these pages."""
        for page in pages:
            self._owners[page] = None
        pages.clear()

    def open_window(self, cache_slots: Sequence[CacheSlot | None]) -> Tensor:
        """Say where the next forward pass writes and what it reads, adding pages where rows need them.

        Args:
            cache_slots: One per row, (width,); None where a row is idle.

        Returns:
            Position of each row's newest token in its text, prompt included, (width,), int64.
        """
        self._allocate_pages([cache_slot for cache_slot in cache_slots if cache_slot is not None])
        n_prompt = [
            0 if cache_slot is None else self._n_prompt[cache_slot.group_slot // GROUP_SIZE]
            for cache_slot in cache_slots
        ]
        n_own = [0 if cache_slot is None else cache_slot.n_own + 1 for cache_slot in cache_slots]
        like = self.layers[0].keys
        window = _window(cache_slots, len(self._owners), n_prompt, n_own, like)
        for layer in self.layers:
            layer.window = window
        lengths = torch.tensor([n_prompt, n_own], device=like.device)
        return (lengths.sum(0) - 1).clamp(min=0)

    def _allocate_pages(self, cache_slots: Sequence[CacheSlot]) -> None:
        """Give a page to rows that begin one, then fill gaps with the last pages."""
        for cache_slot in cache_slots:
            if cache_slot.n_own % PAGE == 0:
                self._owners.append((cache_slot.pages, len(cache_slot.pages)))
                cache_slot.pages.append(len(self._owners) - 1)
        n_held = len(self.layers[0].keys)
        if len(self._owners) > n_held:
            for layer in self.layers:
                layer.reserve_pages(len(self._owners) * 5 // 4 + 1)
        self._compact_pages()

    def _compact_pages(self) -> None:
        n_pages = sum(owner is not None for owner in self._owners)
        gaps = [page for page in range(n_pages) if self._owners[page] is None]
        movers = [page for page in range(n_pages, len(self._owners)) if self._owners[page] is not None]
        for gap, mover in zip(gaps, movers, strict=True):
            owner = self._owners[gap] = self._owners[mover]
            assert owner is not None
            owner[0][owner[1]] = gap
        del self._owners[n_pages:]
        if gaps:
            to, source = torch.tensor([gaps, movers], device=self.layers[0].keys.device)
            for layer in self.layers:
                for held in (layer.keys, layer.values):
                    held.index_copy_(0, to, held.index_select(0, source))

    def _reserve_block(self, prompt: Sequence[tuple[Tensor, Tensor]], block: int, n_tokens: int) -> None:
        if not self.layers:
            self.kv_cache = Cache(layers=[PagedCacheLayer(keys) for keys, _ in prompt])
        n_blocks, _, n_held, _ = self.layers[0].prompt_keys.shape
        if block >= n_blocks or n_tokens > n_held:
            for layer in self.layers:
                layer.reserve_blocks(
                    n_blocks if block < n_blocks else block * 5 // 4 + 1, max(n_held, _rounded(n_tokens))
                )
        self._n_prompt += [0] * (block + 1 - len(self._n_prompt))


def _window(
    cache_slots: Sequence[CacheSlot | None],
    n_pages: int,
    n_prompt: Sequence[int],
    n_own: Sequence[int],
    like: Tensor,
) -> Window:
    active = [(row, cache_slot) for row, cache_slot in enumerate(cache_slots) if cache_slot is not None]
    row_of_group_slot = [0] * (
        GROUP_SIZE * (1 + max(cache_slot.group_slot // GROUP_SIZE for _, cache_slot in active))
    )
    most_pages = max(len(cache_slot.pages) for _, cache_slot in active)
    row_of_page, entry_of_page = [0] * n_pages, [0] * n_pages
    page_of_entry = [n_pages] * (len(cache_slots) * most_pages)
    for row, cache_slot in active:
        row_of_group_slot[cache_slot.group_slot] = row
        for number, page in enumerate(cache_slot.pages):
            entry = row * most_pages + number
            row_of_page[page], entry_of_page[page], page_of_entry[entry] = row, entry, page
    spans = _rounded(max(n_prompt)), most_pages * PAGE

    def index(numbers: Sequence[int]) -> Tensor:
        return torch.tensor(numbers, device=like.device)

    return Window(
        n_prompt=spans[0],
        n_pages=n_pages,
        active=index([row for row, _ in active]),
        write_index=_write_indices(
            index([cache_slot.pages[-1] * PAGE + cache_slot.n_own % PAGE for _, cache_slot in active]),
            like.shape[1],
        ),
        row_of_group_slot=index(row_of_group_slot),
        group_slot_of_row=index(
            [0 if cache_slot is None else cache_slot.group_slot for cache_slot in cache_slots]
        ),
        row_of_page=index(row_of_page),
        entry_of_page=index(entry_of_page),
        page_of_entry=index(page_of_entry),
        mask=_mask(index(n_prompt), index(n_own), spans, like.dtype),
    )


def _write_indices(positions: Tensor, n_heads: int) -> Tensor:
    """From positions, counted through all pages, to those of (pages, heads, `PAGE`), (rows x heads,)."""
    heads = torch.arange(n_heads, device=positions.device)
    return ((positions // PAGE * n_heads)[:, None] + heads).mul(PAGE).add(positions[:, None] % PAGE).flatten()


def _rounded(n_tokens: int) -> int:
    return -(-n_tokens // GRANULE) * GRANULE


def _mask(n_prompt: Tensor, n_own: Tensor, spans: tuple[int, int], dtype: torch.dtype) -> Tensor:
    """Least number of the type at every position that a row does not see, 0 elsewhere."""
    positions = [torch.arange(span, device=n_own.device) for span in spans]
    seen = torch.cat([positions[0] < n_prompt[:, None], positions[1] < n_own[:, None]], dim=1)
    mask = torch.zeros(seen.shape, dtype=dtype, device=n_own.device)
    return mask.masked_fill_(~seen, torch.finfo(dtype).min)[:, None, None]
