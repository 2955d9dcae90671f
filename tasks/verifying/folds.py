"""Out-of-fold disagreement: a classifier that never saw a text, and would not give it its label.

Northcutt et al. 2021, "Confident Learning"; Thyagarajan et al. 2022, "Identifying Incorrect Annotations
in Multi-Label Classification Data", as implemented by cleanlab.
"""

import warnings
from collections.abc import Sequence

import numpy as np
from cleanlab.multilabel_classification import get_label_quality_scores
from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier

from tasks.config import VerifyingConfig
from tasks.embedding import embed
from tasks.records import Row, Sifted, reject

# Rows of a label below which its folds say nothing.
FEWEST = 10
# Weight decay of the judges, as scikit-learn counts it; embeddings have unit length.
L2 = 1.0


def verify_rows(rows: Sequence[Row], labels: Sequence[str], config: VerifyingConfig, seed: int) -> Sifted:
    """Drop the texts whose own label an out-of-fold classifier on sentence embeddings disputes.

    Every row gets the vote `fold`, the out-of-fold probability (0..1) of the least likely of its labels,
    and `quality`, cleanlab's label quality score (0..1).

    Args:
        rows: Clean and scrubbed rows with `group` set; groups never cross folds.
        labels: Names in the order of `targets`.
        config: Folds and the largest share of a label that may be dropped.
        seed: Decides the folds.
    """
    if not config.enabled or len(rows) < FEWEST * config.folds:
        return Sifted(kept=list(rows))
    targets = np.array([row["targets"] for row in rows]) > 0.5  # (n_rows, n_labels)
    if (targets == targets[0]).all() or len(set(_groups(rows))) < 2:
        return Sifted(kept=list(rows))  # nothing to tell apart, or nothing to tell it by
    vectors = embed([row["text"] for row in rows], "embed texts")
    probabilities = out_of_fold(vectors, targets, _groups(rows), config.folds, seed)
    voted = [_with_votes(row, *vote) for row, vote in zip(rows, _votes(targets, probabilities), strict=True)]
    drop = disputed(targets, probabilities, config.max_drop_share)
    dropped = [row for row, is_out in zip(voted, drop, strict=True) if is_out]
    return Sifted(
        kept=[row for row, is_out in zip(voted, drop, strict=True) if not is_out],
        rejects=reject(dropped, "verifying", "label disputed"),
    )


def out_of_fold(
    vectors: np.ndarray, targets: np.ndarray, groups: Sequence[str], folds: int, seed: int
) -> np.ndarray:
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
        known = targets[learn]
        out[judge] = known.all(axis=0)
        open_ = np.flatnonzero(known.any(axis=0) & ~known.all(axis=0))
        if len(open_):
            out[np.ix_(judge, open_)] = _judged(vectors[learn], known[:, open_], vectors[judge], seed)
    return out


def _judged(vectors: np.ndarray, targets: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
    """Probabilities (n_others, n_labels) from one logistic regression per label, all in one solve."""
    # A network without a hidden layer is just that.
    model = MLPClassifier((), solver="lbfgs", alpha=L2, max_iter=300, random_state=seed)
    found: np.ndarray = model.fit(vectors, targets.astype(int).squeeze()).predict_proba(others)
    return found[:, -targets.shape[1] :]


def disputed(targets: np.ndarray, probabilities: np.ndarray, max_share: float) -> np.ndarray:
    """Rows with a label that the folds dispute: bool (n_rows,).

    Only labels that a row has are disputed. A label that it lacks is unknown rather than false, for the
    generator was not asked to leave it out. Of each label at most `max_share` of its rows are dropped,
    the least likely first.
    """
    with warnings.catch_warnings():
        # Of labels with few rows, which are left alone below.
        warnings.filterwarnings("ignore", "May not flag all label issues")
        ranked, _, _ = find_multilabel_issues_per_class(
            labels=[np.flatnonzero(row).tolist() for row in targets],
            pred_probs=probabilities,
            return_indices_ranked_by="self_confidence",
            n_jobs=1,
        )
    drop = np.zeros(len(targets), dtype=bool)
    for label, worst_first in enumerate(ranked):
        n_own = int(targets[:, label].sum())
        disputed_own = [i for i in worst_first if targets[i, label]]
        if n_own >= FEWEST:
            drop[disputed_own[: int(max_share * n_own)]] = True
    return drop


def _votes(targets: np.ndarray, probabilities: np.ndarray) -> list[tuple[float, float]]:
    own = np.where(targets, probabilities, 1.0).min(axis=1)
    quality = get_label_quality_scores([np.flatnonzero(row).tolist() for row in targets], probabilities)
    return list(zip(own.tolist(), np.asarray(quality).tolist(), strict=True))


def _with_votes(row: Row, fold: float, quality: float) -> Row:
    return {**row, "votes": {**row["votes"], "fold": round(fold, 4), "quality": round(quality, 4)}}


def _groups(rows: Sequence[Row]) -> list[str]:
    return [row["group"] or row["id"] for row in rows]
