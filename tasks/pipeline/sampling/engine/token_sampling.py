"""Drawing one token per row from the model's scores.

Every operation works on each row alone and in a fixed order, so that a row's token does not depend on
the rows beside it: sums along the vocabulary are sums of blocks of fixed size. A small model's forward pass
costs little more than a few passes over the vocabulary, so there are as few of them as can be.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

DRAWS_PER_TOKEN = 4
"""Uniform numbers that a token may use: to draw, to draw again outside the nucleus, and to draw from it."""
BLOCK = 128
"""Tokens summed up together."""


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


def guide(conditional: Tensor, unconditional: Tensor, guidance_scale: float) -> Tensor:
    """Go from scores without labels past those with (classifier-free guidance, arXiv:2306.17806, eq. 7)."""
    return torch.lerp(unconditional, conditional, guidance_scale)


def log_probabilities(logits: Tensor, tokens: Tensor) -> Tensor:
    """Natural logarithm of each row's probability of one token, (rows,).

    Args:
        logits: Scores, (rows, vocabulary), fp32, overwritten.
        tokens: One token per row, (rows,), int64.
    """
    own = logits.gather(-1, tokens[:, None]) - logits.amax(dim=-1, keepdim=True)
    mass = _block_sums(_relative(logits, temperature=1.0)).sum(-1, keepdim=True)
    return (own - mass.log()).squeeze(-1)


def draw(logits: Tensor, uniforms: Tensor, controls: Controls) -> Tensor:
    """Draw one token per row.

    Top-k counts first, then top-p among what it left, then min-p, as in transformers. Where nothing but min-p
    cuts on a CPU, few tokens are left, and no pass over the vocabulary is made once they are found.

    Sorting the whole vocabulary for top-p would cost more than a small model's forward pass, so a token is
    drawn without it and kept if it lies in the nucleus; only rows whose token falls outside (at most
    1 - top_p of them) draw again, and those that fail every time sort theirs. The distribution is the same.

    Args:
        logits: Scores, (rows, vocabulary), fp32, overwritten; -inf where a token is banned.
        uniforms: Numbers in [0, 1), (rows, `DRAWS_PER_TOKEN`), fp32.
        controls: Temperature and truncation.

    Returns:
        Token ids, (rows,), int64.

    Raises:
        ValueError: A row has no finite score.
    """
    logits = _top_k(logits, controls.top_k)
    if controls.min_p > 0.0 and controls.top_p == 1.0 and logits.device.type == "cpu":
        return _pick_likely(logits, uniforms[:, 0], controls)
    weights = _relative(logits, controls.temperature)
    kept = weights if controls.min_p == 0.0 else torch.where(weights >= controls.min_p, weights, 0.0)
    tokens = _pick(kept, uniforms[:, 0])
    if controls.top_p == 1.0:
        return tokens
    mass = _block_sums(weights).sum(-1)
    rows = _outside(weights, tokens, mass, controls.top_p)
    for attempt in range(1, DRAWS_PER_TOKEN - 1):
        if not len(rows):
            return tokens
        tokens[rows] = _pick(kept[rows], uniforms[rows, attempt])
        rows = rows[_outside(weights[rows], tokens[rows], mass[rows], controls.top_p)]
    if len(rows):
        nucleus = _nucleus(weights[rows], kept[rows], controls.top_p * mass[rows])
        tokens[rows] = _pick(nucleus, uniforms[rows, -1])
    return tokens


def _pick_likely(logits: Tensor, uniforms: Tensor, controls: Controls) -> Tensor:
    """One of the tokens of each row that have at least `min_p` of the greatest probability, on a CPU.

    There a row is summed up one number after the other, however many others stand beside it. The order of a
    GPU hangs on the width, and passes over the vocabulary cost it little.
    """
    peaks = _finite(logits.amax(dim=-1, keepdim=True))
    least = peaks + controls.temperature * math.log(controls.min_p)
    # NumPy finds what is true ten times as fast as PyTorch.
    places = torch.from_numpy(np.flatnonzero((logits >= least).numpy()))
    rows, tokens = places // logits.shape[-1], places % logits.shape[-1]
    weights = ((logits[rows, tokens] - peaks[rows, 0]) / controls.temperature).exp_()
    counts = torch.bincount(rows, minlength=len(logits))
    starts = counts.cumsum(0) - counts
    side_by_side = weights.new_zeros(len(logits), int(counts.max()))
    side_by_side[rows, torch.arange(len(rows)) - starts[rows]] = weights
    picked, _ = _inverse(side_by_side, uniforms[:, None] * side_by_side.cumsum(-1)[:, -1:])
    return tokens[starts + picked[:, 0]]


def _finite(numbers: Tensor) -> Tensor:
    if not bool(torch.isfinite(numbers).all()):
        raise ValueError("the model's scores are not numbers; expected finite logits. Check the weights.")
    return numbers


def _relative(logits: Tensor, temperature: float) -> Tensor:
    """Probabilities as multiples of the greatest, written over the scores."""
    logits.sub_(logits.amax(dim=-1, keepdim=True))
    return (logits if temperature == 1.0 else logits.div_(temperature)).exp_()


def _top_k(logits: Tensor, k: int) -> Tensor:
    if k == 0 or k >= logits.shape[-1]:
        return logits
    kth = torch.topk(logits, k, dim=-1).values[:, -1:]
    return logits.masked_fill(logits < kth, -torch.inf)


def _outside(weights: Tensor, tokens: Tensor, mass: Tensor, top_p: float) -> Tensor:
    """Rows whose token has at least `top_p` of the mass above it, (rows outside,)."""
    own = weights.gather(-1, tokens[:, None])
    # A token with more than 1 - top_p of the mass cannot have top_p above it; the margin is for rounding.
    unsure = (own.flatten() <= (1.0 - top_p + 1e-4) * mass).nonzero().flatten()
    if not len(unsure):
        return unsure
    # The mass above is what sticks out plus as often the own; comparing would take five times as long.
    excess = (weights - own).relu_()
    above = _block_sums(excess).sum(-1) + own.flatten() * _block_sums(excess.sign_()).sum(-1)
    return unsure[above[unsure] >= top_p * mass[unsure]]


def _nucleus(weights: Tensor, kept: Tensor, enough: Tensor) -> Tensor:
    """What is kept, less everything outside the smallest set of enough mass (arXiv:1904.09751, eq. 2)."""
    descending = _descending(weights)
    inside = descending.cumsum(-1) - descending < enough[:, None]
    least = torch.where(inside, descending, torch.inf).amin(dim=-1, keepdim=True)
    return torch.where(weights >= least, kept, 0.0)


def _descending(weights: Tensor) -> Tensor:
    if weights.device.type == "cpu":
        # NumPy sorts the values alone, with AVX-512; PyTorch sorts their places too, five times slower.
        return torch.from_numpy(np.sort(weights.numpy(), axis=-1)).flip(-1)
    return weights.sort(dim=-1, descending=True).values


def _pick(weights: Tensor, uniforms: Tensor) -> Tensor:
    """Inverse of the cumulative distribution, first by block; a token of weight 0 is never picked."""
    sums = _block_sums(weights)
    total = _finite(sums.cumsum(-1)[:, -1:])
    blocks, rest = _inverse(sums, uniforms[:, None] * total)
    places = blocks * BLOCK + torch.arange(BLOCK, device=weights.device)
    inside = weights.gather(-1, places.clamp(max=weights.shape[-1] - 1))
    tokens, _ = _inverse(inside.masked_fill(places >= weights.shape[-1], 0.0), rest)
    return (blocks * BLOCK + tokens).flatten()


def _inverse(weights: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Where the cumulative sum passes the target, and how far into that place it lies, (rows, 1) each."""
    cumulative = weights.cumsum(-1)
    target = torch.minimum(target, torch.nextafter(cumulative[:, -1:], torch.zeros_like(target)))
    places = torch.searchsorted(cumulative, target, right=True)
    before = cumulative.gather(-1, places) - weights.gather(-1, places)
    return places, (target - before).clamp(min=0.0)


def _block_sums(weights: Tensor) -> Tensor:
    """Sums of `BLOCK` tokens each, the last of what is left, (rows, blocks)."""
    whole = weights.shape[-1] // BLOCK * BLOCK
    sums = weights[:, :whole].reshape(-1, whole // BLOCK, BLOCK).sum(-1) if whole else weights[:, :0]
    return torch.cat([sums, weights[:, whole:].sum(-1, keepdim=True)], dim=-1)
