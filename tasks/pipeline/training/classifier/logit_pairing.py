"""Logit pairing: twins that differ only in whom they are about are to get the same logits.

Garg et al. 2019, "Counterfactual fairness in text classification through robustness", section 3: the mean
absolute difference of the logits, added to the loss.
"""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from tasks.data.records import COUNTERFACTUAL, Row

EVERY = 4
"""One couple of twins per this many rows of a batch."""
RISES = 1 / 3
"""Share of a training over which pairing comes to its weight. At that from the start, a classifier first
learns to label all texts alike, and may never learn more."""


def twins_of(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """Places of twins: counterfactual rows of one group that stand side by side."""
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
    twins: Sequence[tuple[int, int]],
    batch: Sequence[int],
) -> torch.Tensor:
    """Mean absolute difference of the logits of some twins; which ones, the batch decides.

    Args:
        logits_of: Logits (n, n_labels) of rows by their places.
        module: The classifier.
        twins: Places of all twins.
        batch: Places of the rows of this step.
    """
    chosen = [twins[place % len(twins)] for place in batch[: max(1, len(batch) // EVERY)]]
    logits = logits_of(module, [place for couple in chosen for place in couple])  # (2 n, n_labels)
    return (logits[0::2] - logits[1::2]).abs().mean()
