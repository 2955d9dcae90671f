"""Drawing one token per row from the model's scores.

Every operation works on each row alone and in a fixed order, so that a row's token does not depend on
the rows beside it: sums along the vocabulary are cumulative sums, which PyTorch never splits.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

DRAWS_PER_TOKEN = 2
"""Uniform numbers that a token may use: one to draw, one to draw again from the nucleus."""


@dataclass(frozen=True)
class Controls:
    """Shape of the distribution that tokens are drawn from; ranges as in `GeneratorConfig`."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0


def penalise(logits: Tensor, written: Tensor, penalty: float) -> Tensor:
    """Make tokens that were already written less likely (CTRL, arXiv:1909.05858, section 4.1).

    Args:
        logits: Scores, (rows, vocabulary).
        written: True where the row has written the token, (rows, vocabulary).
        penalty: At least 1; positive scores are divided by it, negative ones multiplied.
    """
    return torch.where(written, torch.where(logits > 0, logits / penalty, logits * penalty), logits)


def guide(conditional: Tensor, unconditional: Tensor, guidance: float) -> Tensor:
    """Go from scores without labels past those with (classifier-free guidance, arXiv:2306.17806, eq. 7)."""
    return unconditional + guidance * (conditional - unconditional)


def draw(logits: Tensor, uniforms: Tensor, controls: Controls) -> Tensor:
    """Draw one token per row.

    Top-k counts first, then top-p among what it left, then min-p, as in transformers. Sorting the whole
    vocabulary for top-p would cost more than a small model's forward pass, so a token is drawn
    without it and kept if it lies in the nucleus; only rows whose token falls outside (at most 1 - top_p of
    them) sort theirs and draw again. Both ways have the same distribution.

    Args:
        logits: Scores, (rows, vocabulary), fp32; -inf where a token is banned.
        uniforms: Numbers in [0, 1), (rows, `DRAWS_PER_TOKEN`), fp32.
        controls: Temperature and truncation.

    Returns:
        Token ids, (rows,), int64.

    Raises:
        ValueError: A row has no finite score.
    """
    if controls.temperature != 1.0:
        logits = logits / controls.temperature
    probs = torch.softmax(_top_k(logits, controls.top_k), dim=-1)
    weights = _min_p(probs, controls.min_p)
    tokens = _pick(weights, uniforms[:, 0])
    rows = _outside_nucleus(probs, tokens, controls.top_p)
    if len(rows):
        nucleus = _nucleus(probs[rows], weights[rows], controls.top_p)
        tokens[rows] = _pick(nucleus, uniforms[rows, 1])
    return tokens


def _top_k(logits: Tensor, k: int) -> Tensor:
    if k == 0 or k >= logits.shape[-1]:
        return logits
    kth = torch.topk(logits, k, dim=-1).values[:, -1:]
    return logits.masked_fill(logits < kth, -torch.inf)


def _min_p(probs: Tensor, share: float) -> Tensor:
    if share == 0.0:
        return probs
    return torch.where(probs >= share * probs.amax(dim=-1, keepdim=True), probs, 0.0)


def _outside_nucleus(probs: Tensor, tokens: Tensor, top_p: float) -> Tensor:
    """Rows whose token has at least `top_p` of the mass above it, (rows outside,)."""
    own = probs.gather(-1, tokens[:, None])
    # A token likelier than 1 - top_p cannot have top_p above it; the margin is for rounding.
    unsure = (own.flatten() <= 1.0 - top_p + 1e-4).nonzero().flatten() if top_p < 1.0 else tokens[:0]
    if not len(unsure):
        return unsure
    candidates = probs[unsure]
    above = torch.where(candidates > own[unsure], candidates, 0.0).cumsum(-1)[:, -1]
    return unsure[above >= top_p]


def _nucleus(probs: Tensor, weights: Tensor, top_p: float) -> Tensor:
    """Weights with everything outside the smallest set of mass `top_p` set to 0 (arXiv:1904.09751, eq. 2)."""
    descending = _descending(probs)
    inside = descending.cumsum(-1) - descending < top_p
    least = torch.where(inside, descending, torch.inf).amin(dim=-1, keepdim=True)
    return torch.where(probs >= least, weights, 0.0)


def _descending(probs: Tensor) -> Tensor:
    if probs.device.type == "cpu":
        # NumPy sorts the values alone, with AVX-512; PyTorch sorts their places too, five times slower.
        return torch.from_numpy(np.sort(probs.numpy(), axis=-1)).flip(-1)
    return probs.sort(dim=-1, descending=True).values


def _pick(weights: Tensor, uniforms: Tensor) -> Tensor:
    """Inverse of the cumulative distribution; a token of weight 0 is never picked."""
    cumulative = weights.cumsum(-1)
    total = cumulative[:, -1:]
    if not bool(torch.isfinite(total).all()):
        raise ValueError("the model's scores are not numbers; expected finite logits. Check the weights.")
    target = torch.minimum(uniforms[:, None] * total, torch.nextafter(total, torch.zeros_like(total)))
    return torch.searchsorted(cumulative, target, right=True).flatten()
