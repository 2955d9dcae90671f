"""A scale beside the labels: one direction in the encoder's space, cut into ordered levels.

Cumulative and rank-consistent: P(level > k) falls with k whatever the weights, because the cuts rise by
construction (Cao, Mirjalili and Raschka 2020, "Rank consistent ordinal regression", section 3.3).
"""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus


class OrdinalHead(nn.Module):
    """Head of an ordinal taxonomy.

    Attributes:
        direction: Linear layer to the one number that orders texts.
        first: The lowest cut.
        gaps: Distances between neighbouring cuts, before softplus.
    """

    def __init__(self, hidden: int, n_levels: int) -> None:
        super().__init__()
        self.direction = nn.Linear(hidden, 1, bias=False)
        self.first = nn.Parameter(torch.tensor(-(n_levels - 2) / 2.0))
        self.gaps = nn.Parameter(torch.full((n_levels - 2,), 0.5413))  # softplus of this is 1

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """Logits of P(level > k), float (batch, n_levels - 1) for k = 1 .., of vectors (batch, hidden)."""
        cuts = torch.cat([self.first[None], self.first + softplus(self.gaps).cumsum(0)])
        logits: torch.Tensor = self.direction(pooled) - cuts
        return logits


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
