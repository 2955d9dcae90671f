"""Out-of-fold votes: a classifier that never saw a text, nor its near-duplicates, says what it carries.

Northcutt et al. 2021, "Confident Learning"; Thyagarajan et al. 2022, "Identifying Incorrect Annotations
in Multi-Label Classification Data", as implemented by cleanlab.
"""

from collections.abc import Sequence

import numpy as np
from cleanlab.multilabel_classification import get_label_quality_scores
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from tasks.pipeline.verification.logistic import fit_logistic


def out_of_fold(
    vectors: NDArray[np.float32], targets: NDArray[np.bool_], groups: Sequence[str], folds: int, seed: int
) -> NDArray[np.float64]:
    """Probability of every label from a logistic regression that did not see the row's group.

    Args:
        vectors: float (n_rows, n_features) of unit length.
        targets: bool (n_rows, n_labels).
        groups: Group of each row.
        folds: Number of folds.
        seed: Decides which groups share a fold.

    Returns:
        float (n_rows, n_labels), 0..1.
    """
    out = np.zeros(targets.shape)
    splitter = GroupKFold(n_splits=min(folds, len(set(groups))), shuffle=True, random_state=seed)
    for learn, judge in splitter.split(vectors, groups=groups):
        out[judge] = fit_logistic(vectors[learn], targets[learn], seed).probabilities(vectors[judge])
    return out


def label_quality(targets: NDArray[np.bool_], probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """How well each row's label set fits its out-of-fold probabilities, by cleanlab; (n_rows,), 0..1."""
    sets = [np.flatnonzero(row).tolist() for row in targets]
    return np.asarray(get_label_quality_scores(sets, probabilities), dtype=float)
