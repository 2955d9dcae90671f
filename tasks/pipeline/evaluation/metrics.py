"""Metrics of multi-label and ordinal classification, as a module for the `evaluate` library.

`evaluate.load("tasks/pipeline/evaluation/metrics.py")` works with no network and from any place, which is why
this file imports nothing of Sentimill. All numbers come from scikit-learn, but for the calibration
error, which it does not have.
"""

from typing import Any

import datasets
import evaluate
import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

DESCRIPTION = "F1 in four averages, ranking, calibration and per-label scores; MAE and kappa for scales."
INPUTS = """
Args:
    predictions (n, n_labels): decided label sets, 0 or 1.
    references (n, n_labels): true label sets, 0 or 1.
    probabilities (n, n_labels): 0..1.
    label_names: names of the n_labels labels.
    predicted_levels, reference_levels (n,): for scales, 1..n_labels; 0 marks a text without one level,
        which the scale metrics leave out.
Returns:
    f1_micro, f1_macro, f1_weighted, f1_samples, jaccard, hamming, mean_average_precision,
    ranking_average_precision, calibration_error, brier, per_label, n_rows; for scales also mae, kappa,
    level_accuracy, within_one_level, confusion and n_levelled.
    What is undefined counts as 0 (precision, recall, F1 of a label that nobody has or nobody was given)
    or is None (average precision of a label without positives; kappa of constant levels).
"""
N_BINS = 15  # Guo et al. 2017, "On Calibration of Modern Neural Networks", section 5.

Matrix = NDArray[np.float64]


class LabelMetrics(evaluate.Metric):  # type: ignore[misc]
    """The `evaluate` module; see `INPUTS` for what it takes and gives."""

    def _info(self) -> evaluate.MetricInfo:
        vector = datasets.Sequence(datasets.Value("float64"))
        return evaluate.MetricInfo(
            description=DESCRIPTION,
            citation="",
            inputs_description=INPUTS,
            features=datasets.Features(
                {"predictions": vector, "references": vector, "probabilities": vector}
            ),
        )

    def _compute(
        self,
        predictions: Any,
        references: Any,
        probabilities: Any,
        label_names: list[str],
        predicted_levels: Any = None,
        reference_levels: Any = None,
    ) -> dict[str, Any]:
        decided, true, scores = (np.asarray(x, dtype=float) for x in (predictions, references, probabilities))
        _check(decided, true, scores, label_names)
        result = {
            **set_metrics(decided, true),
            **ranking_metrics(scores, true),
            **calibration_metrics(scores, true),
            "per_label": per_label_metrics(decided, true, scores, label_names),
            "n_rows": len(true),
        }
        if reference_levels is not None:
            levels = np.asarray(predicted_levels, dtype=int), np.asarray(reference_levels, dtype=int)
            result |= level_metrics(*levels, len(label_names))
        return result


def set_metrics(decided: Matrix, true: Matrix) -> dict[str, float]:
    """Compare decided with true label sets; both (n, n_labels) of 0 and 1."""
    averages = ("micro", "macro", "weighted", "samples")
    f1 = {f"f1_{name}": float(sk.f1_score(true, decided, average=name, zero_division=0)) for name in averages}
    return {
        **f1,
        "jaccard": float(sk.jaccard_score(true, decided, average="samples", zero_division=0)),
        "hamming": float(sk.hamming_loss(true, decided)),
    }


def ranking_metrics(scores: Matrix, true: Matrix) -> dict[str, float | None]:
    """How well the scores put true labels and true texts first; (n, n_labels) each."""
    precisions = [p for p in average_precisions(scores, true) if p is not None]
    return {
        "mean_average_precision": float(np.mean(precisions)) if precisions else None,
        "ranking_average_precision": float(sk.label_ranking_average_precision_score(true, scores)),
    }


def calibration_metrics(scores: Matrix, true: Matrix) -> dict[str, float]:
    """Calibration error and Brier score, each the mean over labels.

    The error of one label is the gap between its mean probability and its share of positives in
    equally wide bins, weighted by the number of texts in them (Kull et al. 2019, "Beyond temperature
    scaling", equation 4: classwise ECE).
    """
    bins = np.minimum((scores * N_BINS).astype(int), N_BINS - 1)
    gaps = [
        np.abs(np.bincount(bins[:, i], weights=scores[:, i] - true[:, i])).sum() for i in range(true.shape[1])
    ]
    return {
        "calibration_error": float(np.mean(gaps) / len(true)),
        # For one label Brier's score is the mean squared error of its probability.
        "brier": float(sk.mean_squared_error(true, scores)),
    }


def average_precisions(scores: Matrix, true: Matrix) -> list[float | None]:
    """Average precision of each label; None for a label without positives."""
    return [
        float(sk.average_precision_score(y, s)) if y.any() else None
        for y, s in zip(true.T, scores.T, strict=True)
    ]


def per_label_metrics(
    decided: Matrix, true: Matrix, scores: Matrix, label_names: list[str]
) -> list[dict[str, Any]]:
    """One entry per label: name, precision, recall, f1, average_precision, n_true, n_decided."""
    precision, recall, f1, support = sk.precision_recall_fscore_support(
        true, decided, average=None, zero_division=0
    )
    ranked = average_precisions(scores, true)
    return [
        {
            "label": name,
            "precision": float(precision[i]),
            "recall": float(recall[i]),
            "f1": float(f1[i]),
            "average_precision": ranked[i],
            "n_true": int(support[i]),
            "n_decided": int(decided[:, i].sum()),
        }
        for i, name in enumerate(label_names)
    ]


def level_metrics(predicted: NDArray[np.int_], true: NDArray[np.int_], n_levels: int) -> dict[str, Any]:
    """Compare levels 1..n_levels, (n,) each; texts whose true level is 0 are left out.

    `confusion[i][j]` counts texts of level i + 1 that were given level j + 1.
    """
    known = true > 0
    predicted, true = predicted[known], true[known]
    every = list(range(1, n_levels + 1))
    if not len(true):
        return {"mae": None, "kappa": None, "level_accuracy": None, "within_one_level": None, "n_levelled": 0}
    constant = len({*true.tolist(), *predicted.tolist()}) == 1
    kappa = None if constant else sk.cohen_kappa_score(true, predicted, weights="quadratic", labels=every)
    return {
        "mae": float(sk.mean_absolute_error(true, predicted)),
        "kappa": None if kappa is None else float(kappa),
        "level_accuracy": float(sk.accuracy_score(true, predicted)),
        "within_one_level": float(np.mean(np.abs(true - predicted) <= 1)),
        "confusion": sk.confusion_matrix(true, predicted, labels=every).tolist(),
        "n_levelled": len(true),
    }


def _check(decided: Matrix, true: Matrix, scores: Matrix, label_names: list[str]) -> None:
    expected = (len(true), len(label_names))
    for name, matrix in (("predictions", decided), ("references", true), ("probabilities", scores)):
        if matrix.shape != expected:
            raise ValueError(
                f"shape of {name} is {matrix.shape}; expected (n, n_labels) = {expected}. "
                "Give every matrix one row per text and one column per label name."
            )
    for name, matrix in (("predictions", decided), ("references", true)):
        if not np.isin(matrix, (0.0, 1.0)).all():
            raise ValueError(
                f"{name} have values other than 0 and 1; expected label sets. Decide them first."
            )
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("probabilities leave 0..1; expected probabilities. Apply the sigmoid first.")
