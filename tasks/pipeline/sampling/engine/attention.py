"""Attention of rows being decoded to prompts that lie in prefix blocks and own tokens that lie in pages.

A prompt lies in a prefix block once for every `GROUP_SIZE` of its texts, so it is read once for all of them,
and always with the same number of queries. Own tokens lie in pages of `PAGE`, so as many are read as there
are (Kwon et al. 2023, arXiv:2309.06180, section 4.1). Both keep a row's sums in the same order over the same
numbers, whatever the others do, which is what makes its scores independent of the other sequences in its
batch.
"""

import sys
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.cache_utils import CacheLayerMixin
from transformers.masking_utils import eager_mask

ATTENTION = "sentimill-paged"
"""Name under which transformers knows `attend`."""
GROUP_SIZE = 8
"""Rows that share a tile."""
PAGE = 32
"""Own tokens in a page."""


@dataclass(frozen=True)
class Window:
    """Where the rows of a forward pass lie, and what it reads; every tensor but the mask is int64."""

    n_prompt: int
    """Tokens of each prefix block that are read."""
    n_pages: int
    """Pages that are read."""
    active: Tensor
    """Rows that are not idle, (rows,)."""
    write_index: Tensor
    """Position of the newest token of each of them among all positions of all heads and pages, (rows x
    heads,)."""
    row_of_group_slot: Tensor
    """Row in each slot of each prefix block, (prefix blocks x `GROUP_SIZE`,); any row where a slot is
    empty."""
    group_slot_of_row: Tensor
    """Slot of each row, (width,); any slot where a row is idle."""
    row_of_page: Tensor
    """(pages,)"""
    entry_of_page: Tensor
    """Position of each page in `page_of_entry`, (pages,)."""
    page_of_entry: Tensor
    """Pages of each row side by side, (width x most pages,); `n_pages` where a row has fewer."""
    mask: Tensor
    """Added to the scores, (width, 1, 1, n_prompt + most pages x `PAGE`)."""


class PagedCacheLayer(CacheLayerMixin):  # type: ignore[misc]
    """Keys and values of one layer, (prefix blocks or pages, heads, tokens, size of a head)."""

    is_sliding = False

    def __init__(self, like: Tensor) -> None:
        super().__init__()
        shape = 0, like.shape[1], PAGE, like.shape[3]
        self.keys, self.values, self.prompt_keys, self.prompt_values = (like.new_zeros(shape) for _ in "kvkv")
        self.is_initialized = True
        self.window: Window | None = None

    def reserve_blocks(self, n_blocks: int, n_tokens: int) -> None:
        """Make room for so many prompts of so many tokens, keeping what is there."""
        self.prompt_keys = _grown(self.prompt_keys, n_blocks, n_tokens)
        self.prompt_values = _grown(self.prompt_values, n_blocks, n_tokens)

    def reserve_pages(self, n_pages: int) -> None:
        """Make room for so many pages, keeping what is there."""
        self.keys, self.values = _grown(self.keys, n_pages, PAGE), _grown(self.values, n_pages, PAGE)

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing to do: the tensors exist from the start."""

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: object, **__: object
    ) -> tuple[Tensor, Tensor]:
        """Write one token per row, (width, heads, 1, size); what comes back leads `attend` to this layer."""
        window = self.opened()
        for held, new in ((self.keys, key_states), (self.values, value_states)):
            rows = new[:, :, 0].index_select(0, window.active)
            held.view(-1, held.shape[-1]).index_copy_(0, window.write_index, rows.flatten(0, 1))
        keys: Any = self.keys[: window.n_pages]
        keys.slot_layer = self
        return keys, self.values[: window.n_pages]

    def attend(self, query: Tensor, scaling: float, softcap: float | None) -> Tensor:
        """Attention of one token per row to its prompt and its own tokens.

        Args:
            query: (width, heads, 1, size).
            scaling: Factor of the scores.
            softcap: Bound of the scores (Gemma 2, arXiv:2408.00118, section 2); None for none.

        Returns:
            (width, 1, heads, size).
        """
        window = self.opened()
        width, n_heads, _, size = query.shape
        n_groups, n_prompt = self.keys.shape[1], window.n_prompt
        query = (query * scaling).reshape(width, n_groups, n_heads // n_groups, size)
        prompt_keys, prompt_values, keys, values = self._read(window)
        to_prompt = _to_rows(_to_groups(query, window) @ prompt_keys.transpose(-1, -2), window)
        to_own = query.index_select(0, window.row_of_page) @ keys.transpose(-1, -2)
        scores = torch.cat([to_prompt, _side_by_side(to_own, window).flatten(3)], dim=-1)
        if softcap is not None:
            scores = softcap * torch.tanh(scores / softcap)
        shares = torch.softmax(scores.add_(window.mask), dim=-1, dtype=torch.float32).to(query.dtype)
        from_prompt = _to_groups(shares[..., :n_prompt], window) @ prompt_values
        from_own = _to_pages(shares[..., n_prompt:], window) @ values
        mixed = _to_rows(from_prompt, window)
        # One page after the other: a sum over all at once might group them by their number.
        for part in _side_by_side(from_own, window).unbind(3):
            mixed = mixed + part
        return mixed.reshape(width, 1, n_heads, size)

    def _read(self, window: Window) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        blocks = len(window.row_of_group_slot) // GROUP_SIZE
        prompt = (held[:blocks, :, : window.n_prompt] for held in (self.prompt_keys, self.prompt_values))
        return (*prompt, self.keys[: window.n_pages], self.values[: window.n_pages])  # type: ignore[return-value]

    def opened(self) -> Window:
        """The window of the coming or running pass."""
        assert self.window is not None
        return self.window

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Length and offset of what attention reads."""
        return self.get_seq_length(), 0

    def get_seq_length(self) -> int:
        """Tokens that attention reads."""
        return self.window.mask.shape[-1] if self.window else 0

    def get_max_length(self) -> int:
        """Pages and prefix blocks are added as they are needed."""
        return -1


def _grown(held: Tensor, n: int, n_tokens: int) -> Tensor:
    # Zeros, not whatever lies in memory: masked positions still take part, times 0, and 0 x NaN is NaN.
    grown = held.new_zeros(n, held.shape[1], n_tokens, held.shape[3])
    grown[: held.shape[0], :, : held.shape[2]] = held
    return grown


def _to_groups(by_row: Tensor, window: Window) -> Tensor:
    """(width, groups, heads, last) -> (prefix blocks, groups, `GROUP_SIZE` x heads, last)."""
    return (
        by_row.index_select(0, window.row_of_group_slot)
        .view(-1, GROUP_SIZE, *by_row.shape[1:])
        .transpose(1, 2)
        .flatten(2, 3)
    )


def _to_rows(by_group: Tensor, window: Window) -> Tensor:
    """(prefix blocks, groups, `GROUP_SIZE` x heads, last) -> (width, groups, heads, last)."""
    blocks, groups, heads, last = by_group.shape
    split = by_group.view(blocks, groups, GROUP_SIZE, heads // GROUP_SIZE, last)
    return split.transpose(1, 2).flatten(0, 1).index_select(0, window.group_slot_of_row)


def _side_by_side(by_page: Tensor, window: Window) -> Tensor:
    """(pages, groups, heads, last) -> (width, groups, heads, most pages, last), 0 where there is no page."""
    held = torch.cat([by_page, by_page.new_zeros(1, *by_page.shape[1:])])
    return (
        held.index_select(0, window.page_of_entry)
        .view(len(window.group_slot_of_row), -1, *by_page.shape[1:])
        .permute(0, 2, 3, 1, 4)
    )


def _to_pages(by_row: Tensor, window: Window) -> Tensor:
    """(width, groups, heads, most pages x `PAGE`) -> (pages, groups, heads, `PAGE`)."""
    pages = by_row.reshape(*by_row.shape[:3], -1, PAGE)
    return pages.permute(0, 3, 1, 2, 4).flatten(0, 1).index_select(0, window.entry_of_page)


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    softcap: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attention as transformers calls it: paged while decoding, else the model's own."""
    layer = getattr(key, "slot_layer", None)
    if layer is not None:
        return layer.attend(query, query.shape[-1] ** -0.5 if scaling is None else scaling, softcap), None
    if softcap is not None:
        kwargs["softcap"] = softcap
    own = sys.modules[type(module).__module__].eager_attention_forward
    result: tuple[Tensor, Tensor | None] = own(
        module, query, key, value, attention_mask, scaling=scaling, **kwargs
    )
    return result


AttentionInterface.register(ATTENTION, attend)
AttentionMaskInterface.register(ATTENTION, eager_mask)
