"""Error analysis of one classifier on one test set: curves, calibration, most confident errors."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from tasks.data.arrays import Matrix
from tasks.data.records import Row
from tasks.data.scores import ConfidentError, ErrorAnalysis, Neighbour
from tasks.models.embedding import embed
from tasks.pipeline.evaluation.bootstrap import N_BINS
from tasks.pipeline.evaluation.predictions import Predictions
from tasks.taxonomy import Taxonomy

MAX_CANDIDATES, N_NEIGHBOURS = 1_000, 2

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


def analyse_errors(
    test_set: str,
    rows: Sequence[Row],
    predictions: Predictions,
    train: Sequence[Row],
    taxonomy: Taxonomy,
    seed: int,
) -> ErrorAnalysis:
    """Curves, calibration and confident errors, each error beside the training rows nearest to it."""
    errors = worst_errors(predictions.probabilities, predictions.decided > 0.5, predictions.targets)
    return ErrorAnalysis(
        test_set=test_set,
        curves={
            name: tuple(precision_at_recall(predictions.probabilities[:, i], predictions.targets[:, i]))
            for i, name in enumerate(taxonomy.names)
        },
        calibration=tuple(calibration_bins(predictions.probabilities, predictions.targets)),
        errors=tuple(
            ConfidentError(
                text=rows[i]["text"],
                label=taxonomy.names[label],
                probability=float(predictions.probabilities[i, label]),
                true_labels=tuple(rows[i]["labels"]),
                neighbours=_neighbours(rows[i]["text"], _wrong_label(predictions, i, label), train, seed),
            )
            for i, label in errors
        ),
    )


def _wrong_label(predictions: Predictions, i: int, label: int) -> int:
    """The label that the classifier put in the place of the truth."""
    return label if predictions.decided[i, label] else int(predictions.probabilities[i].argmax())


def _neighbours(text: str, label: int, train: Sequence[Row], seed: int) -> tuple[Neighbour, ...]:
    # Synthetic rows were embedded when they were verified; of real ones a sample is enough.
    near = candidates([row["targets"] for row in train], label, MAX_CANDIDATES, seed)
    near = [i for i in near if train[i]["text"] != text]  # which a cross-validated text may be itself
    if not near:
        return ()
    (order,) = nearest(embed([text]), embed([train[i]["text"] for i in near]), N_NEIGHBOURS)
    chosen = [train[near[i]] for i in order]
    return tuple(
        Neighbour(text=row["text"], labels=tuple(row["labels"]), source=row["source"], prompt=row["prompt"])
        for row in chosen
    )
