"""A closer look at one classifier on one test set: curves, calibration, and its most confident errors."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from tasks.evaluation.metrics import N_BINS

Matrix = NDArray[np.float64]

RECALLS = np.linspace(0, 1, 21)
N_ERRORS = 20


def precision_at_recall(scores: Matrix, true: Matrix) -> list[float]:
    """Best precision of one label at recall of at least 0, 0.05 .. 1; empty without positives.

    Args:
        scores: (n,) probabilities.
        true: (n,) of 0 and 1, -1 where unknown.
    """
    scores, true = scores[true >= 0], true[true >= 0]
    if not true.any():
        return []
    precision, recall, _ = precision_recall_curve(true, scores)
    # sklearn ends every curve with an invented point (recall 0, precision 1).
    return [float(precision[:-1][recall[:-1] >= wanted - 1e-9].max()) for wanted in RECALLS]


def calibration_bins(scores: Matrix, true: Matrix) -> list[tuple[float, float, int]]:
    """Mean probability, share of positives and count of every bin that holds something, all labels pooled.

    Args:
        scores: (n, n_labels) probabilities.
        true: (n, n_labels) of 0 and 1, -1 where unknown.
    """
    flat, truth = scores[true >= 0], true[true >= 0]
    bins = np.minimum((flat * N_BINS).astype(int), N_BINS - 1)
    return [
        (float(flat[bins == b].mean()), float(truth[bins == b].mean()), int((bins == b).sum()))
        for b in range(N_BINS)
        if (bins == b).any()
    ]


def worst_errors(
    scores: Matrix, decided: NDArray[np.bool_], true: Matrix, n: int = N_ERRORS
) -> list[tuple[int, int]]:
    """(row, label) of the wrong decisions furthest from the truth, at most one per row, worst first.

    Args:
        scores: (n_rows, n_labels) probabilities.
        decided: (n_rows, n_labels).
        true: (n_rows, n_labels) of 0 and 1, -1 where unknown.
        n: How many.
    """
    off = np.where((decided != (true > 0.5)) & (true >= 0), np.abs(scores - true), -1.0)
    label = off.argmax(axis=1)
    worst = off[np.arange(len(off)), label]
    order = np.argsort(-worst, kind="stable")[:n]
    return [(int(i), int(label[i])) for i in order if worst[i] >= 0]


def nearest(vectors: NDArray[np.float32], others: NDArray[np.float32], k: int) -> list[list[int]]:
    """Indices of the k nearest of `others` (m, width) to each of `vectors` (n, width), all of unit length."""
    close = vectors @ others.T
    return [np.argsort(-row, kind="stable")[:k].tolist() for row in close]


def candidates(targets: Sequence[Sequence[float]], label: int, most: int, seed: int) -> list[int]:
    """Training rows that carry a label, at most so many, drawn at random."""
    carrying = [i for i, row in enumerate(targets) if row[label] > 0.5]
    if len(carrying) <= most:
        return carrying
    return sorted(np.random.default_rng(seed).choice(carrying, most, replace=False).tolist())
