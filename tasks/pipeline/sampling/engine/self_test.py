"""What a model does on this machine, tried before the first text."""

import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tasks.pipeline.sampling.engine.attention import GROUP_SIZE
from tasks.pipeline.sampling.engine.decoding import score_next
from tasks.pipeline.sampling.engine.paged_cache import CacheSlot, PagedCache
from tasks.pipeline.sampling.engine.prefill import PIECE, TOGETHER, Prefill, Prompts
from tasks.pipeline.sampling.engine.weight_packing import linear_layers, product_like, sizes_of

log = logging.getLogger(__name__)

MIN_WIDTH = 8
"""Rows that the narrowest batch is filled up to: below 8, matrix products run through other kernels."""
TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.1, torch.float16: 0.02}
"""Largest difference between cached and plain decoding, as a share of the largest score."""


def _probe_tokens(model: Any, n_tokens: int) -> list[int]:
    n_known = model.get_output_embeddings().weight.shape[0]
    return [(7 + 31 * add_prefix) % n_known for add_prefix in range(n_tokens)]


@torch.inference_mode()
def check_cached_decoding(model: Any, name: str) -> None:
    """Refuse a model whose scores with a key-value cache are not those without.

    Raises:
        ValueError: It keeps no cache, or (as BERT without `is_decoder`) looks at tokens to come.
    """
    tokens = _probe_tokens(model, 5)
    prefill = Prompts(model).prefill(tokens[:-1])
    if not prefill.layers:
        raise ValueError(
            f"generator {name} keeps no key-value cache; expected a causal language model. "
            "Take a decoder (a BERT needs is_decoder in its configuration)."
        )
    cache = PagedCache()
    cache.add_prefix(prefill.layers)
    cached = score_next(model, cache, tokens[-1:], [CacheSlot(0, [], 0)], MIN_WIDTH)[0]
    plain = model(input_ids=torch.tensor([tokens], device=model.device)).logits[0, -1].float()
    difference, limit = (cached - plain).abs().max(), TOLERANCE[model.dtype] * plain.abs().max()
    if difference > limit:
        raise ValueError(
            f"scores of generator {name} differ by {difference:.3g} between cached and plain decoding; "
            f"expected at most {limit:.3g}. Take a causal language model with full attention."
        )


def batch_invariant_sizes(model: Any, n_rows: int) -> list[int]:
    """Batch widths in which a row has the same scores, bit for bit, as in the full batch.

    The widest is `n_rows` rounded up. On a CPU narrower ones (powers of two) are tried, and kept if they
    agree: the kernel of a matrix product depends on its shape. Every kind of layer is tried by itself, too,
    for rounding to bf16 hides most differences from the scores. On a GPU widths are taken as they are.

    Args:
        model: A causal language model.
        n_rows: Most rows decoded side by side.
    """
    full = -(-n_rows // MIN_WIDTH) * MIN_WIDTH
    narrower = [width for power in range(3, 13) if (width := 1 << power) < full]
    if model.device.type != "cpu":
        return [*narrower, full]
    cache, tokens = _probe_cache(model, full)
    expected = _scores(model, cache, tokens, full)
    agreeing = _agreeing(model, narrower, full)
    invariant = [
        width
        for width in narrower
        if width in agreeing and torch.equal(_scores(model, cache, tokens, width), expected[:width])
    ]
    if invariant != narrower:
        log.info("Batch widths that agree with %d on this machine: %s.", full, invariant)
    return [*invariant, full]


def prompts_agree(model: Any, context: int, common: Sequence[int] = ()) -> bool:
    """Whether prompts side by side come out, bit for bit, as each alone; on a GPU that is not asked.

    Args:
        model: A causal language model.
        context: Most tokens that it takes.
        common: Tokens that prompts begin with.
    """
    if model.device.type != "cpu":
        return True
    room = max(1, min(PIECE, context - len(common)))
    lengths = [min(length, room) for length in (5, 14, 13, 40, 33, 36, 64)]
    tokens = _probe_tokens(model, sum(lengths))
    prompts = [[*common, *tokens[sum(lengths[:i]) :][:length]] for i, length in enumerate(lengths)]
    together, alone = Prompts(model, True, common), Prompts(model, False, common)
    together.prepare(prompts)
    if not all(_equal(together.prefill(prompt), alone.prefill(prompt)) for prompt in prompts):
        return False
    n_rows = 8, 16, 40, 104, 256
    return _agreeing(model, n_rows, TOGETHER) == set(n_rows)


def _equal(one: Prefill, other: Prefill) -> bool:
    tensors = (
        (prefill.logits, *(tensor for layer in prefill.layers for tensor in layer))
        for prefill in (one, other)
    )
    return all(torch.equal(a, b) for a, b in zip(*tensors, strict=True))


@torch.inference_mode()
def _agreeing(model: Any, widths: Sequence[int], full: int) -> set[int]:
    """Widths in which every kind of matrix product gives a row the same numbers as in the full one."""
    kinds = {tuple(layer.weight.shape): layer for layer in linear_layers(model)}
    source, agreeing = torch.Generator().manual_seed(0), set(widths)
    for layer in kinds.values():
        own = layer, torch.randn(full, sizes_of(layer)[0], generator=source).to(layer.weight.dtype)
        for product, rows in (own, product_like(layer, full)):
            expected = product(rows)
            agreeing = {n for n in agreeing if torch.equal(product(rows[:n]), expected[:n])}
    return agreeing


@torch.inference_mode()
def _probe_cache(model: Any, n_slots: int) -> tuple[PagedCache, list[int]]:
    tokens = _probe_tokens(model, n_slots + 3)
    cache, prompt = PagedCache(), Prompts(model).prefill(tokens[:3]).layers
    for _ in range(n_slots // GROUP_SIZE):
        cache.add_prefix(prompt)
    return cache, tokens[3:]


@torch.inference_mode()
def _scores(model: Any, cache: PagedCache, tokens: list[int], width: int) -> Tensor:
    cache_slots = [CacheSlot(group_slot, [], 0) for group_slot in range(width)]
    scores = score_next(model, cache, tokens[:width], cache_slots, width)
    for cache_slot in cache_slots:
        cache.free_pages(cache_slot.pages)
    return scores
