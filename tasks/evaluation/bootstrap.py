"""Intervals for scores and for their differences: rows of the test set drawn anew, the same for all arms.

Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapters 13 and 16. Drawing n rows with
replacement is counting each row 0, 1, 2 ... times, so that every score of every draw is a matrix product.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Score = Callable[[Matrix], Matrix]
"""From counts (n_draws, n_rows) to scores (n_draws,) or (n_draws, n_labels)."""

N_DRAWS = 2_000
LEVEL = 0.95


class Estimate(NamedTuple):
    """A score, or the difference of two, with its interval of 95 %."""

    value: float
    low: float
    high: float


def draw_counts(n_rows: int, seed: int, n_draws: int = N_DRAWS) -> Matrix:
    """How often each draw takes each row: float32 (n_draws, n_rows), every row of it sums to n_rows."""
    rng = np.random.default_rng(seed)
    counts: Matrix = rng.multinomial(n_rows, np.full(n_rows, 1 / n_rows), size=n_draws).astype(np.float32)
    return counts


def estimate(scores: Sequence[Score], counts: Matrix, minus: Sequence[Score] = ()) -> Estimate:
    """Mean score over seeds, less that of another arm, with its interval.

    Args:
        scores: One per seed.
        counts: See `draw_counts`; the same for all that are compared makes the comparison paired.
        minus: One per seed of the arm that is compared with.
    """
    whole = np.ones((1, counts.shape[1]), dtype=counts.dtype)
    value, draws = (_mean(scores, c) - (_mean(minus, c) if minus else 0.0) for c in (whole, counts))
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(value[0]), float(low), float(high))


def _mean(scores: Sequence[Score], counts: Matrix) -> Matrix:
    mean: Matrix = np.mean([score(counts) for score in scores], axis=0)
    return mean


def label_f1(decided: Matrix, true: Matrix) -> Score:
    """F1 of every label, 0 where nobody has it or was given it; both (n, n_labels) of 0 and 1."""
    hits = (decided * true).astype(np.float32)
    either = (decided + true).astype(np.float32)  # 2 TP + FP + FN
    return lambda counts: _ratio(2 * counts @ hits, counts @ either)


def macro_f1(decided: Matrix, true: Matrix, labels: Sequence[int] | None = None) -> Score:
    """Mean F1 over labels, or over some of them."""
    each = label_f1(decided, true)
    return lambda counts: each(counts)[:, labels if labels is not None else slice(None)].mean(axis=1)


def micro_f1(decided: Matrix, true: Matrix) -> Score:
    """F1 over all decisions."""
    hits, either = (decided * true).sum(axis=1), (decided + true).sum(axis=1)
    return lambda counts: _ratio(2 * counts @ hits, counts @ either)


def row_mean(values: Matrix) -> Score:
    """Mean of one number per row, (n,)."""
    return lambda counts: (counts @ values) / counts.sum(axis=1)


def quadratic_kappa(predicted: NDArray[np.int_], true: NDArray[np.int_], n_levels: int) -> Score:
    """Cohen's kappa with quadratic weights, of levels 1..n_levels, (n,) each.

    Cohen 1968, "Weighted kappa": 1 - observed over expected disagreement.
    """
    given, real = (np.eye(n_levels, dtype=np.float32)[levels - 1] for levels in (predicted, true))
    gap = (np.arange(n_levels)[:, None] - np.arange(n_levels)) ** 2
    observed = gap[predicted - 1, true - 1].astype(np.float32)

    def score(counts: Matrix) -> Matrix:
        n = counts.sum(axis=1)
        expected = np.einsum("bi,ij,bj->b", counts @ given, gap, counts @ real) / n
        return 1 - _ratio(counts @ observed, expected)

    return score


def _ratio(above: Matrix, below: Matrix) -> Matrix:
    ratio: Matrix = np.where(below > 0, above / np.maximum(below, 1e-9), 0.0)
    return ratio
