"""The two baselines on the same test sets as the classifier, their thresholds chosen the same way."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.baselines import Baseline, majority, tfidf_logreg
from tasks.evaluation.protocol import Predictions, levels_of
from tasks.taxonomy import Taxonomy

Labelled = tuple[list[str], NDArray[np.float64]]
"""n texts and their targets (n, n_labels)."""


def baseline_predictions(
    train: Labelled,
    validation: Labelled,
    tests: Mapping[str, Labelled],
    taxonomy: Taxonomy,
    seed: int,
    min_positives: int,
    weights: NDArray[np.float64] | None = None,
) -> dict[str, dict[str, Predictions]]:
    """What TF-IDF with logistic regression, and the most frequent label, say about every test set.

    `weights` are those of the validation texts in `choose_thresholds`, the same as the classifier's.

    Returns:
        Per baseline and test set.
    """
    texts = {name: labelled[0] for name, labelled in tests.items()}
    found = {
        "TF-IDF + logistic regression": tfidf_logreg(
            *train, *validation, texts, seed, min_positives, weights
        ),
        "majority": majority(train[1], {name: len(some) for name, some in texts.items()}),
    }
    return {
        baseline: {name: _said(says, name, targets, taxonomy) for name, (_, targets) in tests.items()}
        for baseline, says in found.items()
    }


def _said(says: Baseline, test: str, targets: NDArray[np.float64], taxonomy: Taxonomy) -> Predictions:
    probabilities = says.probabilities[test].astype(float)
    return Predictions(
        ids=np.arange(len(targets)).astype(np.str_),
        probabilities=probabilities,
        thresholds=says.thresholds,
        targets=targets,
        levels=levels_of(probabilities, None, says.line, taxonomy),
        weights=np.ones(len(targets)),
    )
