"""The loss of a scale beside the labels: one direction in the encoder's space, cut into ordered levels.

Cumulative and rank-consistent: P(level > k) falls with k whatever the weights, because the cuts rise by
construction (Cao, Mirjalili and Raschka 2020, "Rank consistent ordinal regression", section 3.3).
"""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from tasks.pipeline.training.classifier.modeling_sentimill import OrdinalHead

__all__ = ["OrdinalHead", "ordinal_loss"]


def ordinal_loss(logits: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy over the cuts, mean over the texts that have one level.

    Args:
        logits: float (batch, n_levels - 1), see `OrdinalHead`.
        levels: int (batch,), 1..n_levels, 0 where a text has no one level.
    """
    ks = torch.arange(1, logits.shape[1] + 1, device=logits.device)
    above = (levels[:, None] > ks).to(logits.dtype)
    losses = binary_cross_entropy_with_logits(logits, above, reduction="none").mean(1)
    known = (levels > 0).to(logits.dtype)
    return (losses * known).sum() / known.sum().clamp(min=1)
