"""What a classifier has to beat: the most frequent label, and a bag of words."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion

from tasks.data.arrays import Matrix
from tasks.pipeline.decision.ordinal_levels import (
    IDENTITY,
    LinearRecalibration,
    fit_recalibration,
    mean_levels,
    predict_level,
)
from tasks.pipeline.decision.rule import fit_rule

Labelled = tuple[list[str], NDArray[np.float64]]
"""n texts and their targets (n, n_labels)."""

# With fewer texts than this no word is dropped for being rare.
SMALL = 200


@dataclass(frozen=True)
class Baseline:
    """What a baseline says about each test set."""

    probabilities: dict[str, Matrix]
    """(n, n_labels) per test set."""
    thresholds: Matrix
    """(n_labels,)."""
    recalibration: LinearRecalibration = IDENTITY
    """From mean levels to levels, see `tasks.pipeline.decision.ordinal_levels`; idle without an order."""
    seconds: float = 0.0
    """Spent on the texts of all test sets."""
    weights_mb: float | None = None
    """Size of the weights in memory, in 10^6 bytes, where it is known."""
    price: float | None = None
    """Charged for the texts of all test sets, where anything is."""


def majority(train_targets: Matrix, n_test: Mapping[str, int]) -> Baseline:
    """Give every text the label that is most frequent in training, the first of equals.

    Args:
        train_targets: (n, n_labels); values below 0 are unknown and left out.
        n_test: Number of texts in each test set.

    Returns:
        The labels' shares in training as probabilities, with thresholds of 1, which none but the
        fallback of `decide` reaches.
    """
    known = train_targets >= 0
    share = np.where(known, train_targets >= 0.5, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    rows = {name: np.tile(share, (n, 1)) for name, n in n_test.items()}
    return Baseline(rows, np.ones(train_targets.shape[1]))


def tfidf_logreg(
    train_texts: Sequence[str],
    train_targets: Matrix,
    val_texts: Sequence[str],
    val_targets: Matrix,
    test_texts: Mapping[str, Sequence[str]],
    seed: int,
    min_positives: int,
    val_weights: Matrix | None = None,
    human_texts: Sequence[str] = (),
    shares: Sequence[float] | None = None,
) -> Baseline:
    """Fit one logistic regression per label on word and character TF-IDF, calibrated as the classifier is.

    Args:
        train_texts: n texts.
        train_targets: (n, n_labels); values below 0 are unknown and left out of that label's fit.
        val_texts: Texts that choose the thresholds.
        val_targets: (n_val, n_labels), 0 or 1.
        test_texts: Texts of each test set.
        seed: Decides the order in which liblinear visits coordinates.
        min_positives: See `choose_thresholds`.
        val_weights: (n_val,), likewise.
        human_texts: Human-written texts without labels, see `fit_rule`.
        shares: Share of the texts out there that carry each label.
    """
    features = _features(len(train_texts))
    train = features.fit_transform(train_texts)
    models = [_fit_label(train, column, seed) for column in np.asarray(train_targets).T]

    def predict(texts: Sequence[str]) -> Matrix:
        rows = features.transform(texts)
        return np.column_stack([_positive(model, rows) for model in models])

    human = predict(human_texts) if human_texts else None
    rule = fit_rule(predict(val_texts), val_targets, val_weights, min_positives, human, shares)
    started = time.perf_counter()
    found = {name: rule.calibrated(predict(texts)) for name, texts in test_texts.items()}
    return Baseline(
        found,
        seconds=time.perf_counter() - started,
        thresholds=rule.thresholds,
        recalibration=rule.recalibration,
    )


def tfidf_ridge(
    train_texts: Sequence[str],
    train_targets: Matrix,
    val_texts: Sequence[str],
    val_targets: Matrix,
    test_texts: Mapping[str, Sequence[str]],
    val_weights: Matrix | None = None,
) -> Baseline:
    """Fit the level itself on word and character TF-IDF, stretched along a line chosen on validation.

    Takes what `tfidf_logreg` takes, of a taxonomy with an order; rows without a label are left out.

    Returns:
        Levels as rows of 0 and a 1, which both thresholds and the mean of the levels give back.
    """
    features = _features(len(train_texts))
    rows, known = features.fit_transform(train_texts), (train_targets > 0).any(axis=1)
    model = Ridge(alpha=1.0).fit(rows[known], mean_levels(np.maximum(train_targets[known], 0)))
    n_labels = np.shape(train_targets)[1]

    def between(texts: Sequence[str]) -> Matrix:
        """Each level shared out over its two neighbours, so that the mean of the levels is the level."""
        level = np.clip(model.predict(features.transform(texts)), 1, n_labels)
        gaps = np.abs(level[:, None] - np.arange(1, n_labels + 1))
        shared: Matrix = np.maximum(0, 1 - gaps)
        return shared

    recalibration = fit_recalibration(between(val_texts), val_targets, val_weights)
    levels = {name: predict_level(between(texts), recalibration) for name, texts in test_texts.items()}
    return Baseline(
        {name: np.eye(n_labels)[level - 1] for name, level in levels.items()}, np.full(n_labels, 0.5)
    )


def _features(n_texts: int) -> FeatureUnion:
    common = {"sublinear_tf": True, "strip_accents": "unicode"}
    words, characters = (1, 1) if n_texts < SMALL else (2, 5)
    return FeatureUnion(
        [
            ("words", TfidfVectorizer(ngram_range=(1, 2), min_df=words, **common)),
            (
                "characters",
                TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=characters, **common),
            ),
        ]
    )


def _fit_label(rows: csr_matrix, column: Matrix, seed: int) -> LogisticRegression | float:
    """Fit one label; a label that all or none of the texts have is its share, as a constant."""
    known = np.flatnonzero(column >= 0)
    positive = column[known] >= 0.5
    if len(set(positive.tolist())) < 2:
        return float(positive.any())
    model = LogisticRegression(C=4.0, solver="liblinear", random_state=seed)
    return model.fit(rows[known], positive)


def _positive(model: LogisticRegression | float, rows: csr_matrix) -> Matrix:
    if isinstance(model, float):
        return np.full(rows.shape[0], model)
    return model.predict_proba(rows)[:, 1]  # type: ignore[no-any-return]
