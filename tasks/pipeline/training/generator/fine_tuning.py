"""Teach an instruct model, by low-rank adapters, to answer a request with a text that meets it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from tasks.models.batching import length_buckets
from tasks.pipeline.training.generator.corpus import Example
from tasks.pipeline.training.loop import TrainingLoop
from tasks.pipeline.training.state import FitOptions, FitState

IGNORED = -100


@dataclass(frozen=True)
class Encoded:
    """A prompt and the texts that follow it, each by itself; the texts end with the end-of-text token."""

    prompt: list[int]
    texts: list[list[int]]

    @property
    def n_tokens(self) -> int:
        """Length of the row: each text has the prompt's last token, which its first token follows, again."""
        return len(self.prompt) - 1 + sum(1 + len(text) for text in self.texts)


@dataclass(frozen=True)
class TuningSizes:
    """How large steps are and how far they go."""

    learning_rate: float
    """Peak of AdamW."""
    batch_tokens: int
    """Rows times longest row per step, padding included."""
    max_tokens: int
    """Longest prompt with its texts; a text that is longer with its prompt alone is left out."""


class Adapted(nn.Module):
    """A model with adapters, of which checkpoints hold nothing but the adapters.

    Args:
        model: A peft model whose other weights are frozen.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, **inputs: torch.Tensor) -> Any:
        """The wrapped model's output."""
        return self.model(**inputs)

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """The weights that are learnt."""
        learnt = {name for name, p in self.named_parameters() if p.requires_grad}
        return {name: v for name, v in super().state_dict(*args, **kwargs).items() if name in learnt}

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Take up the weights that are learnt; refuse any other set of them."""
        learnt = {name for name, p in self.named_parameters() if p.requires_grad}
        if set(state_dict) != learnt:
            raise ValueError(f"{len(set(state_dict) ^ learnt)} adapter weights are missing or too many")
        # The frozen weights are not missing; they are nobody's business here.
        return super().load_state_dict(state_dict, strict=False)._replace(missing_keys=[])

    def learnt(self) -> Iterator[nn.Parameter]:
        """Parameters that are learnt."""
        return (p for p in self.parameters() if p.requires_grad)


def with_adapters(model: Any, rank: int, seed: int) -> Adapted:
    """Freeze a causal language model and give each of its linear layers an adapter.

    Args:
        model: Any causal language model of transformers.
        rank: Rank of the adapters; their scale is twice the rank.
        seed: Decides their first weights.
    """
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    adapted = Adapted(get_peft_model(model, config))
    for parameter in adapted.learnt():
        parameter.data = parameter.data.float()  # steps are too small for bf16, whatever the base has
    return adapted


def encode_examples(
    tokenizer: Any, examples: Sequence[Example], max_tokens: int, system_prompt: str
) -> list[Encoded]:
    """Tokenise; texts of one prompt share its row, for most of an example's work is its prompt.

    Texts that do not fit are left out, because a cut text would teach cutting.
    """
    texts = tokenizer([e.text for e in examples], add_special_tokens=False)["input_ids"]
    by_prompt: dict[str, list[list[int]]] = {}
    for example, text in zip(examples, texts, strict=True):
        by_prompt.setdefault(example.prompt, []).append([*text, tokenizer.eos_token_id])
    chats = [_chat(tokenizer, prompt, system_prompt) for prompt in by_prompt]
    prompts = tokenizer(chats, add_special_tokens=False)["input_ids"]
    return [
        row
        for prompt, own in zip(prompts, by_prompt.values(), strict=True)
        for row in _packed(prompt, own, max_tokens)
    ]


def _packed(prompt: list[int], texts: Sequence[list[int]], max_tokens: int) -> list[Encoded]:
    """Rows of at most `max_tokens`, each with as many texts as fit, in order."""
    rows: list[Encoded] = []
    for text in texts:
        if rows and rows[-1].n_tokens + 1 + len(text) <= max_tokens:
            rows[-1].texts.append(text)
        elif len(prompt) + len(text) <= max_tokens:
            rows.append(Encoded(prompt, [text]))
    return rows


def _chat(tokenizer: Any, prompt: str, system_prompt: str) -> str:
    system = [{"role": "system", "content": system_prompt}] if system_prompt else []
    messages = [*system, {"role": "user", "content": prompt}]
    return str(
        tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
    )


def collate(rows: Sequence[Encoded], pad_id: int, device: torch.device) -> dict[str, torch.Tensor]:
    """Lay prompts and texts out so that a text sees its prompt and itself, as if it stood there alone.

    Returns:
        `input_ids`, `position_ids` and `labels`, int64 (n_rows, longest) each, padded on the right;
        `part`, int64 (n_rows, longest): 0 in the prompt, 1 .. n in its texts, -1 in the padding.
    """
    shape = len(rows), max(row.n_tokens for row in rows)
    ids, places = torch.full(shape, pad_id), torch.zeros(shape, dtype=torch.int64)
    labels, part = torch.full(shape, IGNORED), torch.full(shape, -1)
    for i, row in enumerate(rows):
        end = len(row.prompt) - 1
        ids[i, :end], part[i, :end] = torch.tensor(row.prompt[:-1]), 0
        places[i, :end] = torch.arange(end)
        for number, text in enumerate(row.texts, start=1):
            start, end = end, end + 1 + len(text)
            ids[i, start:end] = torch.tensor([row.prompt[-1], *text])
            places[i, start:end] = torch.arange(len(row.prompt) - 1, len(row.prompt) + len(text))
            labels[i, start + 1 : end] = torch.tensor(text)
            part[i, start:end] = number
    found = {"input_ids": ids, "position_ids": places, "labels": labels, "part": part}
    return {name: value.to(device) for name, value in found.items()}


def seen(part: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """What is added to attention scores, (n_rows, 1, length, length): 0 where a place is seen.

    Places see those before them of their own part and of the prompt; padding sees itself.

    Args:
        part: See `collate`.
        dtype: Of the scores.
    """
    from_, to = part[:, :, None], part[:, None, :]
    allowed = torch.ones_like(from_ == to).tril() & ((from_ == to) | (to == 0))
    return torch.zeros_like(allowed, dtype=dtype).masked_fill(~allowed, torch.finfo(dtype).min)[:, None]


def answer_loss(model: nn.Module, rows: Sequence[Encoded], pad_id: int) -> torch.Tensor:
    """Mean negative log-likelihood per token of the texts, a scalar in nats.

    The vocabulary's layer, half of a small model's work, sees no position before the first text of the batch.
    """
    weights = next(model.parameters())
    inputs = collate(rows, pad_id, weights.device)
    labels, mask = inputs.pop("labels"), seen(inputs.pop("part"), weights.dtype)
    # Places, not their number: a slice is not contiguous, and PyTorch would copy the layer for every row.
    kept = torch.arange(min(len(row.prompt) for row in rows) - 1, labels.shape[1] - 1, device=labels.device)
    logits = model(**inputs, attention_mask=mask, logits_to_keep=kept).logits
    targets = labels[:, kept + 1]
    learnt = targets != IGNORED
    return cross_entropy(logits[learnt].float(), targets[learnt])


def tune(
    model: Adapted,
    tokenizer: Any,
    examples: Callable[[int], list[Example]],
    held_out: Sequence[Example],
    options: FitOptions,
    folder: Path,
    sizes: TuningSizes,
    system_prompt: str,
    on_progress: Callable[[float], None] | None = None,
) -> FitState:
    """Fine-tune in place; the adapters of the epoch with the lowest held-out loss stay.

    Args:
        model: See `with_adapters`.
        tokenizer: Its tokenizer, with a chat template, pad and end-of-text tokens.
        examples: Examples of an epoch; the same for the same epoch.
        held_out: Examples that choose the best epoch.
        options: Epochs, seed, precision ...
        folder: Checkpoints; the same folder goes on where it stopped.
        sizes: Rate and sizes of steps.
        system_prompt: What the model is told before each request; empty for nothing.
        on_progress: Called with the share done.
    """
    epochs: dict[int, list[Encoded]] = {}
    pad = tokenizer.pad_token_id

    def batches(epoch: int) -> list[list[Encoded]]:
        if epoch not in epochs:
            epochs.clear()
            epochs[epoch] = encode_examples(tokenizer, examples(epoch), sizes.max_tokens, system_prompt)
        rows = epochs[epoch]
        lengths, seed = [row.n_tokens for row in rows], options.seed + epoch
        return [[rows[i] for i in b] for b in length_buckets(lengths, seed, max_tokens=sizes.batch_tokens)]

    held = encode_examples(tokenizer, held_out, sizes.max_tokens, system_prompt)
    return TrainingLoop(
        model=model,
        groups=[{"params": list(model.learnt()), "lr": sizes.learning_rate}],
        batches=batches,
        loss_of=lambda module, rows: answer_loss(module, rows, pad),
        score_of=lambda module: -token_loss(module, held, pad),
        options=options,
        folder=folder,
        title="tune generator",
        on_progress=on_progress,
    ).run()


@torch.inference_mode()
def token_loss(model: nn.Module, rows: Sequence[Encoded], pad_id: int) -> float:
    """Mean negative log-likelihood per text token, in nats; `exp` of it is the perplexity."""
    total, count = 0.0, 0
    for batch in length_buckets([row.n_tokens for row in rows], 0, max_tokens=4096):
        own = [rows[i] for i in batch]
        n = sum(len(text) for row in own for text in row.texts)
        total += float(answer_loss(model, own, pad_id)) * n
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
