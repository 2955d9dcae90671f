"""Multi-label fine-tuning: binary cross-entropy over known targets, early stopping on average precision."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import average_precision_score
from torch import nn

from tasks.config import TrainingConfig
from tasks.fitting import FitOptions, FitState, fit, length_buckets
from tasks.records import Row
from tasks.training.classifier import Classifier, new_classifier, predict

UNKNOWN = -1.0


def train_classifier(
    train: Sequence[Row],
    validation: Sequence[Row],
    labels: Sequence[str],
    config: TrainingConfig,
    seed: int,
    folder: Path,
    on_progress: Callable[[float], None] | None = None,
) -> tuple[Classifier, Any, FitState]:
    """Fine-tune the encoder of the configuration on rows with targets.

    Args:
        train: Rows to learn from.
        validation: Rows whose macro average precision decides when to stop.
        labels: Names in the order of `targets`.
        config: Encoder, epochs, rates ...; `base` must be set.
        seed: Decides head weights, batches and dropout.
        folder: Checkpoints; the same folder goes on where it stopped.
        on_progress: Called with the share done, 0..1.

    Returns:
        Model with the best weights, tokenizer, and the history of the training.

    Raises:
        ValueError: if a label has no positive among the training rows.
    """
    targets = np.array([row["targets"] for row in train], dtype=np.float32)  # (n_rows, n_labels)
    _require_positives(targets, labels)
    torch.manual_seed(seed)
    model, tokenizer = new_classifier(str(config.base), config.revision, len(labels))
    _set_prior(model, targets)
    encoded = tokenizer([row["text"] for row in train], truncation=True, max_length=config.max_tokens)
    ids: list[list[int]] = encoded["input_ids"]

    def batches(epoch: int) -> list[list[int]]:
        return length_buckets([len(i) for i in ids], seed + epoch, max_rows=config.batch_size)

    def loss_of(module: nn.Module, batch: list[int]) -> torch.Tensor:
        device = next(module.parameters()).device
        inputs = tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="pt").to(device)
        logits = module(inputs["input_ids"], inputs["attention_mask"])
        return masked_bce(logits, torch.from_numpy(targets[batch]).to(device))

    truth = np.array([row["targets"] for row in validation])
    texts = [row["text"] for row in validation]

    def score_of(module: nn.Module) -> float:
        return mean_average_precision(truth, predict(module, tokenizer, texts, config.max_tokens))  # type: ignore[arg-type]

    options = FitOptions(
        config.epochs, config.patience, seed, config.precision, config.warmup_share, config.max_grad_norm
    )
    groups = parameter_groups(model, config)
    state = fit(model, groups, batches, loss_of, score_of, options, folder, "train classifier", on_progress)
    return model, tokenizer, state


def masked_bce(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy, mean over the targets that are known.

    Args:
        logits: float (batch, labels).
        targets: float (batch, labels), 0..1, or -1 where unknown.
    """
    known = targets >= 0
    loss = nn.functional.binary_cross_entropy_with_logits(
        logits.float(), targets.clamp(min=0), reduction="none"
    )
    return (loss * known).sum() / known.sum().clamp(min=1)


def mean_average_precision(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Average precision over known targets (0 or more), mean over labels with a positive; 0 if none has."""
    present = np.flatnonzero((truth > 0.5).any(axis=0))
    known = truth >= 0
    scores = [
        average_precision_score(truth[known[:, i], i] > 0.5, probabilities[known[:, i], i]) for i in present
    ]
    return float(np.mean(scores)) if scores else 0.0


def parameter_groups(model: Classifier, config: TrainingConfig) -> list[dict[str, Any]]:
    """AdamW groups: the head learns faster; biases and norms do not decay."""
    groups = []
    for module, rate in ((model.encoder, config.learning_rate), (model.head, config.head_learning_rate)):
        flat = [p for p in module.parameters() if p.ndim < 2]
        deep = [p for p in module.parameters() if p.ndim >= 2]
        groups += [
            {"params": deep, "lr": rate, "weight_decay": config.weight_decay},
            {"params": flat, "lr": rate, "weight_decay": 0.0},
        ]
    return groups


@torch.no_grad()
def _set_prior(model: Classifier, targets: np.ndarray) -> None:
    """Start the head at the labels' log-odds, so that no step is spent on learning how rare they are."""
    known = targets >= 0
    rate = np.clip((targets * known).sum(0) / np.maximum(known.sum(0), 1), 1e-4, 1 - 1e-4)
    model.head.bias.copy_(torch.from_numpy(np.log(rate / (1 - rate))))
    model.head.weight.mul_(0.1)


def _require_positives(targets: np.ndarray, labels: Sequence[str]) -> None:
    empty = [label for label, column in zip(labels, targets.T, strict=True) if not (column > 0.5).any()]
    if empty:
        raise ValueError(
            f"{len(empty)} labels have no training row: {', '.join(empty[:5])}; expected at least one each. "
            "Ask for more texts per label, loosen the filters, or take the label out of the taxonomy."
        )
