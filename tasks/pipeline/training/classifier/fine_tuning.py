"""Multi-label fine-tuning: a loss over known targets, early stopping on average precision."""

import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tasks.config import TrainingConfig
from tasks.data.records import Row
from tasks.models.batching import length_buckets
from tasks.pipeline.training.classifier.initial_weights import (
    all_synthetic,
    mix_back,
    share_to_keep,
    start_head,
)
from tasks.pipeline.training.classifier.logit_pairing import pair_indices, pairing_loss, rising
from tasks.pipeline.training.classifier.losses import loss_function, masked_mean
from tasks.pipeline.training.classifier.model import Classifier, new_classifier, predict, room_of
from tasks.pipeline.training.classifier.ordinal_head import ordinal_loss
from tasks.pipeline.training.loop import TrainingLoop
from tasks.pipeline.training.state import FitOptions, FitState
from tasks.pipeline.training.trackers import wanted_trackers

log = logging.getLogger(__name__)
EPOCHS, SYNTHETIC_EPOCHS = 6, 3
"""Unless the configuration says so. More passes over synthetic texts learn what only such texts have: two
over 3,601 texts gave a mean average precision of 0.331 on GoEmotions, six gave 0.308."""
ONE_CLASS = (
    "validation rows are of one class: they choose neither the best epoch nor thresholds. Ask for more "
    "texts per label, or raise split.validation."
)


def train_classifier(
    train: Sequence[Row],
    validation: Sequence[Row],
    labels: Sequence[str],
    config: TrainingConfig,
    seed: int,
    folder: Path,
    on_progress: Callable[[float], None] | None = None,
    pairing: float = 0.0,
    meanings: Sequence[str] = (),
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
        pairing: Weight of the pairing loss of counterfactual pairs among the rows, see
            `tasks.pipeline.training.classifier.logit_pairing`; 0 learns from them as from any row.
        meanings: A sentence for each label, from which its part of the head starts; without them the head
            knows nothing at first.

    Returns:
        Model, tokenizer, and the history of the training. The weights are the best ones, averaged with those
        before training as the configuration says.

    Raises:
        ValueError: if a label has no positive among the training rows, unless the configuration allows it;
            if there are no validation rows; if a text is longer than the encoder takes; if the encoder is a
            finished classifier; if the folder is another training's.
    """
    tracking = wanted_trackers()
    targets = np.array([row["targets"] for row in train], dtype=np.float32)  # (n_rows, n_labels)
    truth = np.array([row["targets"] for row in validation])
    _require_validation(truth)
    if not config.allow_missing_labels:
        _require_positives(targets, labels)
    torch.manual_seed(seed)
    model, tokenizer = new_classifier(
        str(config.base), config.revision, len(labels), config.ordinal, config.lora_rank
    )
    start_head(model, tokenizer, [row["text"] for row in train], targets, meanings)
    kept = share_to_keep(config, train)
    before = {name: value.clone() for name, value in model.state_dict().items()} if kept else {}
    weights = np.array([row["weight"] for row in train], dtype=np.float32)  # (n_rows,)
    levels = np.array([row["level"] or 0 for row in train])  # (n_rows,), 0 where there is no one level
    losses = loss_function(config.loss, targets)
    epochs = config.epochs or (SYNTHETIC_EPOCHS if all_synthetic(train) else EPOCHS)
    encoded = tokenizer([row["text"] for row in train], truncation=True, max_length=config.max_length)
    ids: list[list[int]] = encoded["input_ids"]
    _require_room(ids, room_of(model, tokenizer), config.base)

    def batches(epoch: int) -> list[tuple[list[int], float]]:
        """Rows of each step, and the weight of their pairing."""
        buckets = length_buckets([len(i) for i in ids], seed + epoch, max_rows=config.batch_size)
        return list(zip(buckets, rising(pairing, epoch, len(buckets), epochs), strict=True))

    def outputs_of(module: nn.Module, batch: list[int]) -> torch.Tensor:
        device = next(module.parameters()).device
        inputs = tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="pt").to(device)
        outputs: torch.Tensor = module(inputs["input_ids"], inputs["attention_mask"]).float()
        return outputs

    pairs = pair_indices(train) if pairing else []

    def loss_of(module: nn.Module, step: tuple[list[int], float]) -> torch.Tensor:
        batch, together = step
        outputs = outputs_of(module, batch)
        logits, scale = outputs[:, : len(labels)], outputs[:, len(labels) :]
        wanted, weight = (torch.from_numpy(a[batch]).to(outputs.device) for a in (targets, weights))
        loss = masked_mean(losses(logits, wanted.clamp(min=0)), wanted, weight)
        if config.ordinal:
            loss = loss + ordinal_loss(scale, torch.from_numpy(levels[batch]).to(outputs.device))
        return loss + together * pairing_loss(outputs_of, module, pairs, batch) if pairs else loss

    texts = [row["text"] for row in validation]

    def score_of(module: nn.Module) -> float:
        return mean_average_precision(truth, predict(module, tokenizer, texts, config.max_length))  # type: ignore[arg-type]

    options = FitOptions(
        epochs=epochs,
        early_stopping_patience=config.early_stopping_patience,
        seed=seed,
        precision=config.precision,
        warmup_ratio=config.warmup_ratio,
        max_grad_norm=config.max_grad_norm,
        ema_decay=config.ema_decay,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        trackers=tracking.trackers,
        tracking_dir=tracking.folder,
    )
    state = TrainingLoop(
        model=model,
        groups=parameter_groups(model, config),
        batches=batches,
        loss_of=loss_of,
        score_of=score_of,
        options=options,
        folder=folder,
        title="train classifier",
        on_progress=on_progress,
    ).run()
    if kept:
        mix_back(model, before, kept)
    model.merge_adapters()
    return model, tokenizer, state


def mean_average_precision(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Average precision over known targets (0 or more), mean over labels with a positive; 0 if none has.

    Unlike `evaluation.metrics`, this leaves unknown targets out of each label.
    """
    # Here, for it takes a second to import, and a model that is only served has no use for it.
    from sklearn.metrics import average_precision_score

    present = np.flatnonzero((truth > 0.5).any(axis=0))
    known = truth >= 0
    scores = [
        average_precision_score(truth[known[:, i], i] > 0.5, probabilities[known[:, i], i]) for i in present
    ]
    return float(np.mean(scores)) if scores else 0.0


def parameter_groups(model: Classifier, config: TrainingConfig) -> list[dict[str, Any]]:
    """AdamW groups: heads learn faster, lower layers slower; biases and norms do not decay.

    Layer decay as in Howard and Ruder 2018, "Universal Language Model Fine-tuning", section 3.2.
    """
    groups = []
    n_layers = int(model.encoder.config.num_hidden_layers)  # type: ignore[union-attr, arg-type]
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        rate = config.head_learning_rate
        if name.startswith("encoder."):
            rate = config.learning_rate * config.layerwise_lr_decay ** (n_layers - 1 - _layer(name))
        decay = config.weight_decay if parameter.ndim >= 2 else 0.0
        groups.append({"params": [parameter], "lr": rate, "weight_decay": decay})
    return _merged(groups)


def _layer(name: str) -> int:
    """Place of a parameter's layer, 0 the lowest; embeddings are below it."""
    found = re.search(r"\.layers?\.(\d+)\.", name)
    return int(found[1]) if found else -1


def _merged(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Groups of equal options as one."""
    merged: dict[tuple[float, float], dict[str, Any]] = {}
    for group in groups:
        key = group["lr"], group["weight_decay"]
        merged.setdefault(key, {**group, "params": []})["params"] += group["params"]
    return list(merged.values())


def _require_positives(targets: np.ndarray, labels: Sequence[str]) -> None:
    empty = [label for label, column in zip(labels, targets.T, strict=True) if not (column > 0.5).any()]
    if empty:
        raise ValueError(
            f"{len(empty)} labels have no training row: {', '.join(empty[:5])}; expected at least one each. "
            "Ask for more texts per label, loosen the filters, or take the label out of the taxonomy."
        )


def of_one_class(truth: np.ndarray) -> bool:
    """Whether rows tell no label from the others, so that any two models score alike on them.

    Args:
        truth: (n_rows, n_labels), -1 where unknown.
    """
    has, lacks = (truth > 0.5).any(axis=0), ((truth >= 0) & (truth <= 0.5)).any(axis=0)
    return not (has & lacks).any()


def _require_validation(truth: np.ndarray) -> None:
    """Refuse to train without validation rows; say so where they choose nothing."""
    if not len(truth):
        raise ValueError(
            "there are no validation rows; expected some to choose the best epoch and thresholds by. Ask for "
            "more texts per label, or raise split.validation."
        )
    if of_one_class(truth):
        log.warning("The %d %s", len(truth), ONE_CLASS)


def _require_room(ids: Sequence[Sequence[int]], room: int, base: str | None) -> None:
    """Refuse texts longer than the encoder has positions for; it would fail deep inside."""
    lengths = [len(text) for text in ids if len(text) > room]
    if lengths:
        raise ValueError(
            f"{len(lengths)} training texts are longer than the {room} tokens that encoder {base} takes, the "
            f"longest {max(lengths)}; expected none. Set training.max_length to {room}, which cuts them, or "
            "choose an encoder for longer texts."
        )
