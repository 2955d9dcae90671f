"""The two baselines on the same test sets as the classifier, their thresholds chosen the same way."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.baselines import majority, tfidf_logreg
from tasks.evaluation.measuring import measure
from tasks.evaluation.placing import place
from tasks.taxonomy import Taxonomy

Labelled = tuple[list[str], NDArray[np.float64]]
"""n texts and their targets (n, n_labels)."""


def baseline_arms(
    train: Labelled,
    validation: Labelled,
    tests: Mapping[str, Labelled],
    taxonomy: Taxonomy,
    seed: int,
    min_positives: int,
    weights: NDArray[np.float64] | None = None,
) -> list[dict[str, Any]]:
    """Measure TF-IDF with logistic regression, and the most frequent label, on every test set.

    `weights` are those of the validation texts in `tune_thresholds`, the same as the classifier's.

    Returns:
        One dict per baseline and test set: `name`, `test_set`, `metrics` (see `measure`).
    """
    texts = {name: labelled[0] for name, labelled in tests.items()}
    found = {
        "TF-IDF + logistic regression": tfidf_logreg(
            *train, *validation, texts, seed, min_positives, weights
        ),
        "majority": majority(train[1], {name: len(some) for name, some in texts.items()}),
    }
    return [
        {
            "name": baseline,
            "test_set": name,
            "metrics": measure(
                says.probabilities[name],
                says.thresholds,
                targets,
                taxonomy,
                place(says.probabilities[name], says.line) if taxonomy.ordinal else None,
            ),
        }
        for baseline, says in found.items()
        for name, (_, targets) in tests.items()
    ]
