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
    """Token ids of prompt and text; the first `n_prompt` are not learnt."""

    ids: list[int]
    n_prompt: int


@dataclass(frozen=True)
class TuningSizes:
    """How large steps are and how far they go."""

    learning_rate: float
    """Peak of AdamW."""
    batch_tokens: int
    """Rows times longest row per step, padding included."""
    max_tokens: int
    """Longest prompt and text together; longer examples are left out."""


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
    """Tokenise; examples that do not fit are left out, because a cut text would teach cutting."""
    chats = [_chat(tokenizer, e.prompt, system_prompt) for e in examples]
    prompts = tokenizer(chats, add_special_tokens=False)["input_ids"]
    texts = tokenizer([e.text for e in examples], add_special_tokens=False)["input_ids"]
    encoded = [Encoded([*p, *t, tokenizer.eos_token_id], len(p)) for p, t in zip(prompts, texts, strict=True)]
    return [e for e in encoded if len(e.ids) <= max_tokens]


def _chat(tokenizer: Any, prompt: str, system_prompt: str) -> str:
    system = [{"role": "system", "content": system_prompt}] if system_prompt else []
    messages = [*system, {"role": "user", "content": prompt}]
    return str(
        tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, enable_thinking=False
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
    inputs = {"input_ids": ids, "attention_mask": mask, "labels": labels}
    return {name: value.to(device) for name, value in inputs.items()}


def answer_loss(model: nn.Module, rows: Sequence[Encoded], pad_id: int) -> torch.Tensor:
    """Mean negative log-likelihood per token of the texts, a scalar in nats.

    The vocabulary's layer, half of a small model's work, sees no position before the first text of the batch.
    """
    device = next(model.parameters()).device
    inputs = collate(rows, pad_id, device)
    labels = inputs.pop("labels")
    n_kept = labels.shape[1] - min(row.n_prompt for row in rows) + 1
    logits = model(**inputs, logits_to_keep=n_kept).logits[:, :-1]
    targets = labels[:, -logits.shape[1] :]
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
        lengths, seed = [len(row.ids) for row in rows], options.seed + epoch
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
    for batch in length_buckets([len(row.ids) for row in rows], 0, max_tokens=4096):
        own = [rows[i] for i in batch]
        n = sum(len(row.ids) - row.n_prompt for row in own)
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
