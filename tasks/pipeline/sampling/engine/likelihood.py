"""How likely a model finds texts that are already there: one forward pass per batch, no decoding."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from tasks.config import PromptForm
from tasks.models.batching import length_buckets
from tasks.pipeline.sampling.tokenization import PromptCodec

BATCH_TOKENS = 1024
"""Rows times longest row of a batch; their scores over a vocabulary of 150,000 then take 600 MB."""

Pair = tuple[str, str]
"""A prompt and the text that followed it."""


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
    distinct = list(dict.fromkeys(pairs))
    prompts = {prompt: codec.encode(prompt) for prompt in {prompt for prompt, _ in distinct}}
    rows = [(prompts[prompt], _text_tokens(codec, text)) for prompt, text in distinct]
    rows = [(prompt, text[: max(0, context - len(prompt))]) for prompt, text in rows]
    found: dict[Pair, float] = {}
    lengths = [len(prompt) + len(text) for prompt, text in rows]
    for batch in length_buckets(lengths, seed=0, max_tokens=BATCH_TOKENS):
        scores = _score(model, [rows[i] for i in batch])
        found |= zip([distinct[i] for i in batch], scores, strict=True)
    return [found[pair] for pair in pairs]


def _text_tokens(codec: PromptCodec, text: str) -> list[int]:
    # After "Text:" a model that was never tuned on our prompts goes on with a space.
    text = f" {text}" if codec.form is PromptForm.plain else text
    return list(codec.tokenizer(text, add_special_tokens=False)["input_ids"])


def _score(model: Any, rows: Sequence[tuple[list[int], list[int]]]) -> list[float]:
    """Log-likelihoods of one batch; rows end together, so that scores are computed for texts alone."""
    longest = max(len(prompt) + len(text) for prompt, text in rows)
    n_scored = max(len(text) for _, text in rows)
    if n_scored == 0:
        return [0.0] * len(rows)
    ids = torch.zeros((len(rows), longest), dtype=torch.int64)
    mask = torch.zeros_like(ids)
    of_text = torch.zeros((len(rows), n_scored), dtype=torch.bool)
    for i, (prompt, text) in enumerate(rows):
        n_tokens = len(prompt) + len(text)
        ids[i, longest - n_tokens :] = torch.tensor([*prompt, *text])
        mask[i, longest - n_tokens :] = 1
        of_text[i, n_scored - len(text) :] = True
    ids, mask, of_text = (tensor.to(model.device) for tensor in (ids, mask, of_text))
    output = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=(mask.cumsum(1) - 1).clamp(min=0),
        use_cache=False,
        # The score of a token stands one place before it.
        logits_to_keep=n_scored + 1,
    )
    scores: Tensor = output.logits[:, :-1][of_text].float()
    losses = torch.zeros(of_text.shape, device=model.device)
    losses[of_text] = cross_entropy(scores, ids[:, -n_scored:][of_text], reduction="none")
    summed: list[float] = (-losses).sum(1).tolist()
    return summed
