"""Rivals on the sentence embeddings of all-MiniLM-L6-v2: zero-shot, and a linear model."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from tasks.data.arrays import Matrix
from tasks.models.embedding import embed, encode, encoder_megabytes
from tasks.pipeline.evaluation.baselines import Baseline
from tasks.pipeline.evaluation.rivals.interface import Problem, label_by_scores, log_odds

INVERSE_REGULARISATION = 4.0
"""As for the bag of words."""


def zero_shot_embedding(problem: Problem) -> Baseline:
    """Cosine of a text and each label's meaning, less the text's mean over the labels.

    Yin et al. 2019, "Benchmarking Zero-shot Text Classification", section 4; the mean that is taken off is
    what the text has in common with every meaning.
    """
    meanings = embed([label.meaning for label in problem.taxonomy.labels])

    def score(vectors: np.ndarray) -> Matrix:
        cosines = vectors @ meanings.T
        centred: Matrix = cosines - cosines.mean(axis=1, keepdims=True)
        return centred

    return label_by_scores(
        problem,
        lambda texts: score(encode(texts)),
        encoder_megabytes(),
        score_validation=lambda texts: score(embed(texts)),
    )


def embedding_logreg(problem: Problem) -> Baseline:
    """One logistic regression per label on the embeddings of the training texts."""
    texts, targets = problem.train
    vectors = embed(texts, "embed training texts")
    models = [_fit_label(vectors, column, problem.seed) for column in np.asarray(targets).T]

    def score(rows: np.ndarray) -> Matrix:
        return np.column_stack([_log_odds(model, rows) for model in models])

    return label_by_scores(
        problem,
        lambda texts: score(encode(texts)),
        encoder_megabytes(),
        score_validation=lambda texts: score(embed(texts)),
    )


def _fit_label(vectors: np.ndarray, column: Matrix, seed: int) -> LogisticRegression | float:
    """Fit one label; a label that all or none of the texts have is a constant."""
    known = np.flatnonzero(column >= 0)
    positive = column[known] >= 0.5
    if len(set(positive.tolist())) < 2:
        return float(log_odds(np.array([float(positive.any())]))[0])
    model = LogisticRegression(
        C=INVERSE_REGULARISATION, class_weight="balanced", max_iter=1_000, random_state=seed
    )
    return model.fit(vectors[known], positive)


def _log_odds(model: LogisticRegression | float, vectors: np.ndarray) -> Matrix:
    if isinstance(model, float):
        return np.full(len(vectors), model)
    return model.decision_function(vectors)  # type: ignore[no-any-return]
