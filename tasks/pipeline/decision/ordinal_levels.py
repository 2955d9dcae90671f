"""From the probabilities of the levels to one place on the scale."""

import numpy as np
from numpy.typing import NDArray

from tasks.data.arrays import Matrix

LinearRecalibration = tuple[float, float]
"""Slope and intercept."""
IDENTITY: LinearRecalibration = (1.0, 0.0)


def mean_levels(probabilities: Matrix) -> Matrix:
    """Mean of the levels, 1..n_labels, under probabilities (n, n_labels) scaled to sum to 1; (n,).

    A text with no probability at all lands in the middle.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    empty = probabilities.sum(axis=1, keepdims=True) == 0
    shares = np.where(empty, 1.0, probabilities)
    means: Matrix = shares @ np.arange(1, shares.shape[1] + 1) / shares.sum(axis=1)
    return means


def fit_recalibration(
    probabilities: Matrix, targets: Matrix, weights: Matrix | None = None
) -> LinearRecalibration:
    """Line from mean levels to true ones, by weighted least squares on validation texts.

    Probabilities of labels that are each judged by themselves never fall to 0, so their mean keeps away from
    both ends of the scale; the line takes that back.

    Args:
        probabilities: (n, n_labels), 0..1.
        targets: (n, n_labels), positive from 0.5; the true level is the mean of a text's labels, and texts
            without any are left out.
        weights: (n,) texts out there that each text stands for; None means one.
    """
    positive = np.asarray(targets) >= 0.5
    known = positive.any(axis=1)
    x, y = mean_levels(np.asarray(probabilities)[known]), mean_levels(positive[known].astype(float))
    if not known.any() or np.ptp(x) == 0:
        return IDENTITY
    root = None if weights is None else np.sqrt(np.asarray(weights, dtype=float)[known])
    slope, intercept = np.polyfit(x, y, 1, w=root)
    return float(slope), float(intercept)


def predict_level(probabilities: Matrix, recalibration: LinearRecalibration) -> NDArray[np.int_]:
    """Level of each text, 1..n_labels: its mean level, moved along the line and rounded; (n,)."""
    slope, intercept = recalibration
    moved = np.rint(slope * mean_levels(probabilities) + intercept)
    return np.clip(moved, 1, np.shape(probabilities)[1]).astype(int)
