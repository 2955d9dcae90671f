"""Who sits where: tiles for prompts, pages for the tokens that follow them, handed out and taken back."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import Cache

from tasks.pipeline.sampling.engine.attention import LANES, PAGE, SlotLayer, Window

GRANULE = 16
"""Attention reads this many tokens of a prompt more or less at a time: one AVX-512 register of fp32."""

Pages = list[int]
"""Pages of a row, oldest tokens first; the slots keep the numbers up to date as pages move."""


@dataclass(frozen=True)
class Seat:
    """Where a row's keys and values lie."""

    lane: int
    """Lane of its prompt, counted through all tiles."""
    pages: Pages
    n_own: int
    """Tokens in its pages before the coming forward pass."""


class Slots:
    """Tiles and pages of a whole model; both grow as they must."""

    def __init__(self) -> None:
        self.cache = Cache(layers=[])
        self._n_prompt: list[int] = []
        """Tokens of the prompt in each tile; 0 where it is free."""
        self._owners: list[tuple[Pages, int] | None] = []
        """Whose page each is, and which of its pages; None where it is free."""

    @property
    def layers(self) -> list[SlotLayer]:
        """One per layer of the model."""
        return list(self.cache.layers)

    @property
    def mask(self) -> Tensor:
        """Mask of the open window; a model that is handed one does not build its own."""
        return self.layers[0].opened().mask

    def place(self, prompt: Sequence[tuple[Tensor, Tensor]]) -> int:
        """Copy a prompt's keys and values, (1, heads, tokens, size) per layer, into a free tile.

        Returns:
            The tile's number; its lanes are number x `LANES` and the following.
        """
        n_tokens = prompt[0][0].shape[2]
        tile = self._n_prompt.index(0) if 0 in self._n_prompt else len(self._n_prompt)
        self._reserve_tile(prompt, tile, n_tokens)
        self._n_prompt[tile] = n_tokens
        for layer, (keys, values) in zip(self.layers, prompt, strict=True):
            layer.prompt_keys[tile, :, :n_tokens] = keys[0]
            layer.prompt_values[tile, :, :n_tokens] = values[0]
        return tile

    def free_tile(self, tile: int) -> None:
        """Let the next prompt have this tile."""
        self._n_prompt[tile] = 0

    def free_pages(self, pages: Pages) -> None:
        """Let other rows have these pages."""
        for page in pages:
            self._owners[page] = None
        pages.clear()

    def open_window(self, seats: Sequence[Seat | None]) -> Tensor:
        """Say where the next forward pass writes and what it reads, adding pages where rows need them.

        Args:
            seats: One per row, (width,); None where a row is idle.

        Returns:
            Position of each row's newest token in its text, prompt included, (width,), int64.
        """
        self._turn_pages([seat for seat in seats if seat is not None])
        n_prompt = [0 if seat is None else self._n_prompt[seat.lane // LANES] for seat in seats]
        n_own = [0 if seat is None else seat.n_own + 1 for seat in seats]
        like = self.layers[0].keys
        window = _window(seats, len(self._owners), n_prompt, n_own, like)
        for layer in self.layers:
            layer.window = window
        lengths = torch.tensor([n_prompt, n_own], device=like.device)
        return (lengths.sum(0) - 1).clamp(min=0)

    def _turn_pages(self, seats: Sequence[Seat]) -> None:
        """Give a page to rows that begin one, then fill gaps with the last pages."""
        for seat in seats:
            if seat.n_own % PAGE == 0:
                self._owners.append((seat.pages, len(seat.pages)))
                seat.pages.append(len(self._owners) - 1)
        n_held = len(self.layers[0].keys)
        if len(self._owners) > n_held:
            for layer in self.layers:
                layer.reserve_pages(2 * len(self._owners))
        self._close_gaps()

    def _close_gaps(self) -> None:
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

    def _reserve_tile(self, prompt: Sequence[tuple[Tensor, Tensor]], tile: int, n_tokens: int) -> None:
        if not self.layers:
            self.cache = Cache(layers=[SlotLayer(keys) for keys, _ in prompt])
        n_tiles, _, n_held, _ = self.layers[0].prompt_keys.shape
        if tile >= n_tiles or n_tokens > n_held:
            for layer in self.layers:
                layer.reserve_tiles(
                    n_tiles if tile < n_tiles else 2 * tile + 1, max(n_held, _rounded(n_tokens))
                )
        self._n_prompt += [0] * (tile + 1 - len(self._n_prompt))


def _window(
    seats: Sequence[Seat | None],
    n_pages: int,
    n_prompt: Sequence[int],
    n_own: Sequence[int],
    like: Tensor,
) -> Window:
    seated = [(row, seat) for row, seat in enumerate(seats) if seat is not None]
    row_of_lane = [0] * (LANES * (1 + max(seat.lane // LANES for _, seat in seated)))
    most_pages = max(len(seat.pages) for _, seat in seated)
    row_of_page, entry_of_page = [0] * n_pages, [0] * n_pages
    page_of_entry = [n_pages] * (len(seats) * most_pages)
    for row, seat in seated:
        row_of_lane[seat.lane] = row
        for number, page in enumerate(seat.pages):
            entry = row * most_pages + number
            row_of_page[page], entry_of_page[page], page_of_entry[entry] = row, entry, page
    spans = _rounded(max(n_prompt)), most_pages * PAGE

    def index(numbers: Sequence[int]) -> Tensor:
        return torch.tensor(numbers, device=like.device)

    return Window(
        n_prompt=spans[0],
        n_pages=n_pages,
        seated=index([row for row, _ in seated]),
        line=_lines(index([seat.pages[-1] * PAGE + seat.n_own % PAGE for _, seat in seated]), like.shape[1]),
        row_of_lane=index(row_of_lane),
        lane_of_row=index([0 if seat is None else seat.lane for seat in seats]),
        row_of_page=index(row_of_page),
        entry_of_page=index(entry_of_page),
        page_of_entry=index(page_of_entry),
        mask=_mask(index(n_prompt), index(n_own), spans, like.dtype),
    )


def _lines(places: Tensor, n_heads: int) -> Tensor:
    """From places, counted through all pages, to those of (pages, heads, `PAGE`), (rows x heads,)."""
    heads = torch.arange(n_heads, device=places.device)
    return ((places // PAGE * n_heads)[:, None] + heads).mul(PAGE).add(places[:, None] % PAGE).flatten()


def _rounded(n_tokens: int) -> int:
    return -(-n_tokens // GRANULE) * GRANULE


def _mask(n_prompt: Tensor, n_own: Tensor, spans: tuple[int, int], dtype: torch.dtype) -> Tensor:
    """Least number of the type at every place that a row does not see, 0 elsewhere."""
    places = [torch.arange(span, device=n_own.device) for span in spans]
    seen = torch.cat([places[0] < n_prompt[:, None], places[1] < n_own[:, None]], dim=1)
    mask = torch.zeros(seen.shape, dtype=dtype, device=n_own.device)
    return mask.masked_fill_(~seen, torch.finfo(dtype).min)[:, None, None]
