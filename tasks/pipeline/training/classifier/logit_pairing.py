"""Logit pairing: the two rows of a counterfactual pair should get the same logits.

Garg et al. 2019, "Counterfactual fairness in text classification through robustness", section 3: the mean
absolute difference of the logits, added to the loss.
"""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from tasks.data.records import COUNTERFACTUAL, Row

EVERY = 4
"""One counterfactual pair per this many rows of a batch."""
RISES = 1 / 3
"""Share of a training over which pairing comes to its weight. At that from the start, a classifier first
learns to label all texts alike, and may never learn more."""


def pair_indices(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """Indices of counterfactual pairs: neighbouring rows of one group."""
    return [
        (i, i + 1)
        for i in range(len(rows) - 1)
        if rows[i]["source"] == COUNTERFACTUAL and rows[i]["group"] == rows[i + 1]["group"]
    ]


def rising(weight: float, epoch: int, n_steps: int, epochs: int) -> list[float]:
    """Weight of the pairing loss at each step of an epoch: from 0 in a straight line, then level."""
    done = [(epoch + step / n_steps) / epochs for step in range(n_steps)]
    return [weight * min(1.0, share / RISES) for share in done]


def pairing_loss(
    logits_of: Callable[[nn.Module, list[int]], torch.Tensor],
    module: nn.Module,
    pairs: Sequence[tuple[int, int]],
    batch: Sequence[int],
) -> torch.Tensor:
    """Mean absolute difference of the logits of some pairs, chosen by the batch.

    Args:
        logits_of: Logits (n, n_labels) of rows by their indices.
        module: The classifier.
        pairs: Indices of all pairs.
        batch: Indices of the rows of this step.
    """
    chosen = [pairs[index % len(pairs)] for index in batch[: max(1, len(batch) // EVERY)]]
    logits = logits_of(module, [index for pair in chosen for index in pair])  # (2 n, n_labels)
    return (logits[0::2] - logits[1::2]).abs().mean()
