"""Intervals for scores and for their differences: rows of the test set resampled, alike for all arms.

Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapters 13 and 16. Drawing n rows with
replacement is counting each row 0, 1, 2 ... times, so that every score of every draw is a matrix product.

`evaluation.metrics` computes the same figures once, with scikit-learn and in one file that others can load
alone; here each is computed for all draws at once (tests hold both equal).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.data.arrays import Matrix

Score = Callable[[Matrix], Matrix]
"""From counts (n_resamples, n_rows) to scores (n_resamples,) or (n_resamples, n_labels)."""

N_RESAMPLES = 2_000
LEVEL = 0.95
N_BINS = 15
"""Of the calibration error, as in `evaluation.metrics`, whose libraries take two seconds to import."""


class Estimate(NamedTuple):
    """A score, or the difference of two, with its interval of 95 %."""

    value: float
    low: float
    high: float


def resample_counts(n_rows: int, seed: int, n_resamples: int = N_RESAMPLES) -> Matrix:
    """How often each draw takes each row: float32 (n_resamples, n_rows), every row of it sums to n_rows.

    Column after column in memory, for `average_precision` takes whole columns.
    """
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n_rows, np.full(n_rows, 1 / n_rows), size=n_resamples)
    by_column: Matrix = counts.astype(np.float32, order="F")
    return by_column


def estimate(scores: Sequence[Score], counts: Matrix, minus: Sequence[Score] = ()) -> Estimate:
    """Mean score over seeds, less that of another arm, with its interval.

    Args:
        scores: One per seed.
        counts: See `resample_counts`; the same for all that are compared makes the comparison paired.
        minus: One per seed of the arm that is compared with.
    """
    return interval(resampled_scores(scores, counts) - (resampled_scores(minus, counts) if minus else 0.0))


def resampled_scores(scores: Sequence[Score], counts: Matrix) -> Matrix:
    """Mean score over seeds on the test set as it is, then on every draw of it: (1 + n_resamples,)."""
    whole = np.ones((1, counts.shape[1]), dtype=counts.dtype)
    return np.concatenate([_mean(scores, c) for c in (whole, counts)])


def interval(draws: Matrix) -> Estimate:
    """The first number, with an interval from all others; see `resampled_scores`."""
    low, high = np.quantile(draws[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(draws[0]), float(low), float(high))


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


def mean_average_precision(scores: Matrix, true: Matrix) -> Score:
    """Average precision, mean over labels that some row has; scores and 0 or 1, (n, n_labels) each."""
    each = [average_precision(s, t) for s, t in zip(scores.T, true.T, strict=True) if t.any()]
    return lambda counts: np.mean([score(counts) for score in each], axis=0)


def average_precision(scores: Matrix, true: Matrix) -> Score:
    """Average precision of one label, sum of precision times gain in recall; scores and 0 or 1, (n,) each.

    Rows of one score come in together, as in scikit-learn.
    """
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=np.inf))  # where each distinct score begins
    # Recall changes only where a positive row is: other steps are added up up to there.
    positive = np.add.reduceat(true[order], starts) > 0
    ends = np.append(starts[1:], len(order))[positive]
    cuts = np.append(0, ends[:-1])
    reached = order[: ends[-1]]
    found = np.flatnonzero(true[reached])
    first_found = np.searchsorted(found, cuts)

    def score(counts: Matrix) -> Matrix:
        taken = np.add.reduceat(counts.T[reached], cuts, axis=0)  # (n_cuts, n_resamples)
        hits = np.add.reduceat(counts.T[reached[found]], first_found, axis=0)
        precision = _ratio(hits.cumsum(axis=0), taken.cumsum(axis=0))
        return _ratio((precision * hits).sum(axis=0), hits.sum(axis=0))

    return score


def ranking_precisions(scores: Matrix, true: Matrix) -> Matrix:
    """Label ranking average precision of every row, (n,), 1 where none is true; (n, n_labels) each."""
    above = scores[:, None, :] >= scores[:, :, None]  # (n, label, labels at least as high)
    precision = (above * true[:, None, :]).sum(axis=2) / above.sum(axis=2)
    n_true = true.sum(axis=1)
    each: Matrix = np.where(n_true > 0, (precision * true).sum(axis=1) / np.maximum(n_true, 1), 1.0)
    return each


def calibration_error(probabilities: Matrix, true: Matrix, n_bins: int) -> Score:
    """Classwise calibration error, mean over labels, see `evaluation.metrics`; (n, n_labels) each."""
    bins = np.minimum((probabilities * n_bins).astype(int), n_bins - 1)
    rows, labels = np.indices(bins.shape)
    gaps = np.zeros((len(bins), bins.shape[1] * n_bins), dtype=np.float32)  # one column per label and bin
    gaps[rows, labels * n_bins + bins] = probabilities - true
    return lambda counts: np.abs(counts @ gaps).sum(axis=1) / (counts.sum(axis=1) * bins.shape[1])


def pearson(one: Matrix, other: Matrix) -> Score:
    """Pearson's correlation of two numbers per row, (n,) each; 0 where one of them never changes."""
    products = np.stack([one, other, one * one, other * other, one * other], axis=1)

    def score(counts: Matrix) -> Matrix:
        x, y, xx, yy, xy = (counts.astype(float) @ products / counts.sum(axis=1, keepdims=True)).T
        return _ratio(xy - x * y, np.sqrt(np.maximum((xx - x * x) * (yy - y * y), 0)))

    return score


def _ratio(above: Matrix, below: Matrix) -> Matrix:
    ratio: Matrix = np.where(below > 0, above / np.maximum(below, 1e-9), 0.0)
    return ratio
