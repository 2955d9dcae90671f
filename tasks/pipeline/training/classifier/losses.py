"""Losses over label sets: binary cross-entropy and three that weigh its terms, over known targets alone."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from tasks.config import Loss

LossFunction = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Logits and targets, float (batch, labels) each, to the loss of every target, of the same shape."""

# Cui et al. 2019, "Class-Balanced Loss Based on Effective Number of Samples", equation 2.
BETA = 0.999
# Lin et al. 2017, "Focal Loss for Dense Object Detection", section 4.1.
GAMMA = 2.0
# Ridnik et al. 2021, "Asymmetric Loss For Multi-Label Classification", section 3.2.
GAMMA_NEGATIVE, CLIP = 4.0, 0.05


def loss_function(kind: Loss, targets: np.ndarray) -> LossFunction:
    """The loss of a name, fitted to how often each label occurs.

    Args:
        kind: See `tasks.config.modelling.Loss`.
        targets: Of all training rows, float (n_rows, n_labels), 0..1, or -1 where unknown.
    """
    match kind:
        case Loss.bce:
            return partial(binary_cross_entropy_with_logits, reduction="none")
        case Loss.balanced:
            return partial(_balanced, weights=torch.from_numpy(balanced_weights(targets)))
        case Loss.focal:
            return _focal
        case Loss.asymmetric:
            return _asymmetric


def masked_mean(
    losses: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Mean over the targets that are known.

    Args:
        losses: float (batch, labels).
        targets: float (batch, labels); -1 marks an unknown one.
        weights: float (batch,), how much each row counts; None means one.
    """
    counts = (targets >= 0).to(losses.dtype)
    if weights is not None:
        counts = counts * weights.unsqueeze(1)
    return (losses * counts).sum() / counts.sum().clamp(min=1e-6)


def balanced_weights(targets: np.ndarray) -> np.ndarray:
    """Weight of each label's positives, one over its effective number; float32 (n_labels,), mean 1."""
    n = np.maximum((targets > 0.5).sum(axis=0), 1)
    weights = (1 - BETA) / (1 - BETA**n)
    scaled: np.ndarray = (weights / weights.mean()).astype(np.float32)
    return scaled


def _balanced(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return binary_cross_entropy_with_logits(
        logits, targets, pos_weight=weights.to(logits.device), reduction="none"
    )


def _focal(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    p = torch.sigmoid(logits)
    missed = p + targets - 2 * p * targets  # probability given to the wrong side; soft targets in between
    return missed**GAMMA * binary_cross_entropy_with_logits(logits, targets, reduction="none")


def _asymmetric(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    p = torch.sigmoid(logits)
    shifted = (p - CLIP).clamp(min=0)  # easy negatives count nothing
    positive = -targets * torch.nn.functional.logsigmoid(logits)
    negative = -(1 - targets) * torch.log1p(-shifted.clamp(max=1 - 1e-6)) * shifted**GAMMA_NEGATIVE
    return positive + negative
