"""How likely a model finds texts that are already there: forward passes over batches, no decoding.

A text is scored after each of a few prompts, and a prompt stands before several texts. So a prompt is
computed once, and what all prompts begin with once for all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import DynamicCache

from tasks.config import PromptForm
from tasks.models.batching import length_buckets
from tasks.pipeline.sampling.engine.prefill import Layers, append
from tasks.pipeline.sampling.tokenization import PromptCodec

BATCH_TOKENS = 1024
"""Texts times longest text of a batch; their scores over a vocabulary of 150,000 then take 600 MB."""
PROMPT_TOKENS = 4096
"""Prompts times longest prompt of which keys and values are held, and again for a batch of texts; 190 MB each
with the embedded generator in fp32."""
NO_TOKEN = -100
"""Stands where a text that is shorter than others has no token."""

Pair = tuple[str, str]
"""A prompt and the text that followed it."""


@dataclass(frozen=True)
class _Row:
    """A text after one of the prompts of a batch."""

    pair: Pair
    prompt: int
    last: int
    """The prompt's last token, whose scores are those of the text's first token."""
    text: list[int]


@torch.inference_mode()
def log_likelihoods(model: Any, codec: PromptCodec, pairs: Sequence[Pair], context: int) -> list[float]:
    """Natural logarithm of the probability of each text after its prompt, summed over its tokens.

    The end-of-text token does not count, so a text that was cut or trimmed is judged by what is there.

    Args:
        model: A causal language model.
        codec: Puts prompts and texts into tokens.
        pairs: Prompts and texts; equal pairs are computed once.
        context: Tokens that fit the model; of longer pairs the end of the text is left out.

    Returns:
        One number per pair, 0 or less; 0 for a text without tokens.
    """
    found = dict.fromkeys(pairs, 0.0)
    encoded = {prompt: codec.encode(prompt) for prompt in dict.fromkeys(prompt for prompt, _ in found)}
    texts: dict[str, list[tuple[Pair, list[int]]]] = {prompt: [] for prompt in encoded}
    for pair in found:
        prompt = pair[0]
        tokens = text_tokens(codec, pair[1])[: max(0, context - len(encoded[prompt]))]
        if tokens:
            texts[prompt].append((pair, tokens))
    prompts = [prompt for prompt in encoded if texts[prompt]]
    common = _common(model, [encoded[prompt] for prompt in prompts])
    for batch in length_buckets([len(encoded[p]) for p in prompts], seed=0, max_tokens=PROMPT_TOKENS):
        ids = [encoded[prompts[i]] for i in batch]
        cache, mask = _compute(model, ids, common)
        rows = [
            _Row(pair, number, ids[number][-1], tokens)
            for number, i in enumerate(batch)
            for pair, tokens in texts[prompts[i]]
        ]
        max_rows = max(1, PROMPT_TOKENS // max(1, mask.shape[1]))
        for some in length_buckets([len(row.text) for row in rows], 0, max_rows, BATCH_TOKENS):
            chosen = [rows[i] for i in some]
            found |= zip([row.pair for row in chosen], _score(model, cache, mask, chosen), strict=True)
    return [found[pair] for pair in pairs]


def text_tokens(codec: PromptCodec, text: str) -> list[int]:
    """Token ids of a text that follows a prompt."""
    # After "Text:" a model that was never tuned on our prompts goes on with a space.
    text = f" {text}" if codec.form is PromptForm.plain else text
    return list(codec.tokenizer(text, add_special_tokens=False)["input_ids"])


def _common(model: Any, prompts: Sequence[list[int]]) -> Layers:
    """Keys and values of the tokens that all prompts begin with; nothing where there are none."""
    columns = zip(*(prompt[:-1] for prompt in prompts), strict=False)
    tokens = [column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns)]
    cache = DynamicCache()
    if tokens:
        ids = torch.tensor([tokens], device=model.device)
        model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
    return _layers(cache)


def _compute(model: Any, prompts: Sequence[list[int]], common: Layers) -> tuple[Layers, Tensor]:
    """Keys and values of prompts without their last tokens, and which of the places hold a token.

    Prompts end together; places without a token lie after the common ones.
    """
    n_common = common[0][0].shape[2] if common else 0
    own = [prompt[n_common:-1] for prompt in prompts]
    longest = max(map(len, own))
    ids = torch.zeros((len(own), longest), dtype=torch.int64)
    mask = torch.ones((len(own), n_common + longest), dtype=torch.int64)
    for number, tokens in enumerate(own):
        n_empty = longest - len(tokens)
        ids[number, n_empty:] = torch.tensor(tokens)
        mask[number, n_common : n_common + n_empty] = 0
    ids, mask = ids.to(model.device), mask.to(model.device)
    cache = DynamicCache()
    append(cache, [(k.expand(len(own), -1, -1, -1), v.expand(len(own), -1, -1, -1)) for k, v in common])
    if longest:
        _forward(model, ids, mask, cache, logits_to_keep=1)
    return _layers(cache), mask


def _score(model: Any, prompts: Layers, prompt_mask: Tensor, rows: Sequence[_Row]) -> list[float]:
    """Log-likelihoods of one batch of texts; they begin together, each after the last token of its prompt."""
    longest = max(len(row.text) for row in rows)
    ids = torch.zeros((len(rows), longest), dtype=torch.int64)
    targets = torch.full_like(ids, NO_TOKEN)
    for number, row in enumerate(rows):
        ids[number, : len(row.text)] = torch.tensor([row.last, *row.text[:-1]])
        targets[number, : len(row.text)] = torch.tensor(row.text)
    ids, targets = ids.to(model.device), targets.to(model.device)
    owners = torch.tensor([row.prompt for row in rows], device=model.device)
    cache = DynamicCache()
    append(cache, [(keys[owners], values[owners]) for keys, values in prompts])
    mask = torch.cat([prompt_mask[owners], (targets != NO_TOKEN).long()], dim=1)
    scores = _forward(model, ids, mask, cache).flatten(0, 1).float()
    losses = cross_entropy(scores, targets.flatten(), reduction="none", ignore_index=NO_TOKEN)
    summed: list[float] = (-losses.view_as(targets)).sum(1).tolist()
    return summed


def _forward(model: Any, ids: Tensor, mask: Tensor, cache: DynamicCache, **options: int) -> Tensor:
    """Scores after tokens that follow what lies in the cache; `mask` covers both."""
    positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    scores: Tensor = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        **options,
    ).logits
    return scores


def _layers(cache: DynamicCache) -> Layers:
    return [(layer.keys, layer.values) for layer in cache.layers]
