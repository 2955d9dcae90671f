"""Faster arithmetic, if it decides as the evaluated model does.

On CPUs fp32 is served: int8 changed the decisions on far more than one row in 200 (`make bench-serving`).
"""

import copy
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from deployments.api.settings import ServingPrecision
from tasks.pipeline.decision.thresholds import decide_as
from tasks.pipeline.training.classifier import Classifier, predict

MIN_AGREEMENT = 0.995
"""Share of held-out rows that must be decided alike."""
MAX_F1_CHANGE = 0.003
log = logging.getLogger("sentimill.api")


def load_on_device(
    model: Classifier,
    tokenizer: Any,
    settings: dict[str, Any],
    wanted: ServingPrecision,
    rows: Sequence[tuple[str, list[float]]],
) -> tuple[Classifier, ServingPrecision, float | None]:
    """Move the model to the GPU if there is one, and to bf16 if that is wanted and decides alike.

    Args:
        model: As it was evaluated, fp32.
        tokenizer: Its tokenizer.
        settings: Thresholds and longest text.
        wanted: `auto` wants bf16 on a GPU.
        rows: Held-out (text, targets) to decide on; without any, bf16 is not used.

    Returns:
        Model, the arithmetic that was taken, and the share of rows decided alike (None for fp32).
    """
    on_gpu = torch.cuda.is_available()
    model = model.cuda() if on_gpu else model
    if wanted is ServingPrecision.fp32 or (wanted is ServingPrecision.auto and not on_gpu):
        return model, ServingPrecision.fp32, None
    if not rows:
        log.warning("there are no held-out rows to check bf16 on; fp32 is served")
        return model, ServingPrecision.fp32, None
    fast = copy.deepcopy(model).to(torch.bfloat16)
    texts = [text for text, _ in rows]
    truth = np.array([targets for _, targets in rows]) > 0.5
    before, after = (decided(each, tokenizer, settings, texts) for each in (model, fast))
    share, change = agreement(before, after, truth)
    if share >= MIN_AGREEMENT and change <= MAX_F1_CHANGE:
        return fast, ServingPrecision.bf16, share
    log.warning(
        "bf16 decides %.2f %% of the held-out rows alike and moves macro-F1 by %.4f; expected 99.5 %% and "
        "0.003. fp32 is served",
        100 * share,
        change,
    )
    return model, ServingPrecision.fp32, None


def decided(model: Classifier, tokenizer: Any, settings: dict[str, Any], texts: Sequence[str]) -> np.ndarray:
    """Label sets, bool (n, n_labels)."""
    found = predict(model, tokenizer, texts, settings["max_length"])
    return decide_as(settings, found.astype(float))


def agreement(before: np.ndarray, after: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Share of rows with the same decisions, and the change of macro-F1; bool (n, n_labels) each."""
    from sklearn.metrics import f1_score

    first, second = (f1_score(truth, each, average="macro", zero_division=0) for each in (before, after))
    return float((before == after).all(axis=1).mean()), float(abs(first - second))
