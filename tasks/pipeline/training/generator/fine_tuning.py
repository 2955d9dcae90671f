"""Teach a causal language model to continue a wish with a text that fulfils it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tasks.models.batching import length_buckets
from tasks.pipeline.training.generator.corpus import Example
from tasks.pipeline.training.loop import TrainingLoop
from tasks.pipeline.training.state import FitOptions, FitState

IGNORED = -100


@dataclass(frozen=True)
class Encoded:
    """Token ids of prompt and text; the first `n_prompt` are not learnt."""

    ids: list[int]
    n_prompt: int


def encode_examples(
    tokenizer: Any, examples: Sequence[Example], max_tokens: int, chat: bool = False
) -> list[Encoded]:
    """Tokenise; texts that do not fit are left out, for a cut text would teach cutting.

    Characters unknown to the tokenizer are left out too, so that it never writes `[UNK]`.
    """
    unknown = tokenizer.unk_token_id
    start = [tokenizer.bos_token_id] if tokenizer.bos_token_id is not None and not chat else []
    requests = [_as_chat(tokenizer, e.prompt) if chat else e.prompt for e in examples]
    prompts = tokenizer(requests, add_special_tokens=False)["input_ids"]
    texts = tokenizer([e.text for e in examples], add_special_tokens=False)["input_ids"]
    encoded = [
        Encoded([*start, *p, *(i for i in t if i != unknown), tokenizer.eos_token_id], len(start) + len(p))
        for p, t in zip(prompts, texts, strict=True)
    ]
    return [e for e in encoded if len(e.ids) <= max_tokens]


def _as_chat(tokenizer: Any, prompt: str) -> str:
    message = [{"role": "user", "content": prompt}]
    return str(
        tokenizer.apply_chat_template(
            message, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
    )


def collate(rows: Sequence[Encoded], pad_id: int, device: torch.device) -> dict[str, torch.Tensor]:
    """Pad on the right: input_ids, attention_mask and labels, int64 (n_rows, longest) each."""
    longest = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), longest), pad_id)
    labels = torch.full((len(rows), longest), IGNORED)
    mask = torch.zeros((len(rows), longest), dtype=torch.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row.ids)] = torch.tensor(row.ids)
        labels[i, row.n_prompt : len(row.ids)] = torch.tensor(row.ids[row.n_prompt :])
        mask[i, : len(row.ids)] = 1
    return {
        "input_ids": ids.to(device),
        "attention_mask": mask.to(device),
        "labels": labels.to(device),
    }


def tune(
    model: nn.Module,
    tokenizer: Any,
    examples: Callable[[int], list[Example]],
    held_out: Sequence[Example],
    options: FitOptions,
    folder: Path,
    learning_rate: float,
    batch_tokens: int,
    max_tokens: int,
    chat: bool = False,
    on_progress: Callable[[float], None] | None = None,
) -> FitState:
    """Fine-tune in place; the best weights by held-out loss stay.

    Args:
        model: Any causal language model whose forward takes `labels`, LoRA-wrapped or not.
        tokenizer: Its tokenizer, with pad and end-of-text tokens.
        examples: Examples of an epoch; the same for the same epoch.
        held_out: Examples that choose the best epoch.
        options: Epochs, seed, precision ...
        folder: Checkpoints; the same folder goes on where it stopped.
        learning_rate: Peak of AdamW.
        batch_tokens: Tokens per step, padding included.
        max_tokens: Longest prompt and text together.
        chat: Put prompts through the tokenizer's chat template.
        on_progress: Called with the share done.
    """
    epochs: dict[int, list[Encoded]] = {}

    def batches(epoch: int) -> list[list[Encoded]]:
        if epoch not in epochs:
            epochs.clear()
            epochs[epoch] = encode_examples(tokenizer, examples(epoch), max_tokens, chat)
        rows = epochs[epoch]
        lengths = [len(row.ids) for row in rows]
        seed = options.seed + epoch
        return [[rows[i] for i in b] for b in length_buckets(lengths, seed, max_tokens=batch_tokens)]

    def loss_of(module: nn.Module, rows: list[Encoded]) -> torch.Tensor:
        device = next(module.parameters()).device
        loss: torch.Tensor = module(**collate(rows, tokenizer.pad_token_id, device)).loss
        return loss

    held = encode_examples(tokenizer, held_out, max_tokens, chat)
    groups = [{"params": [p for p in model.parameters() if p.requires_grad], "lr": learning_rate}]
    return TrainingLoop(
        model=model,
        groups=groups,
        batches=batches,
        loss_of=loss_of,
        score_of=lambda module: -token_loss(module, held, tokenizer.pad_token_id),
        options=options,
        folder=folder,
        title="tune generator",
        on_progress=on_progress,
    ).run()


@torch.inference_mode()
def token_loss(model: nn.Module, rows: Sequence[Encoded], pad_id: int) -> float:
    """Mean negative log-likelihood per text token, in nats; `exp` of it is the perplexity."""
    device = next(model.parameters()).device
    total, count = 0.0, 0
    for batch in length_buckets([len(row.ids) for row in rows], 0, max_tokens=4096):
        inputs = collate([rows[i] for i in batch], pad_id, device)
        n = int((inputs["labels"] != IGNORED).sum())
        total += float(model(**inputs).loss) * n
        count += n
    return total / max(1, count)


def perplexity(loss: float) -> float:
    """Perplexity per token of a loss in nats."""
    return math.exp(loss)


def held_out_split(n_rows: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Row indices to learn from and to hold out."""
    order = np.random.default_rng(seed).permutation(n_rows)
    n_held = max(1, round(share * n_rows))
    return order[n_held:], order[:n_held]
