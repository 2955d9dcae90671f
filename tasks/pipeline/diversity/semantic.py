"""Figures of what texts mean: how far apart they are, and what gives them away."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import CategoricalNB
from sklearn.pipeline import make_pipeline

FOLDS = 5
MIN_TEXTS = 20
"""Texts of a label below which it is left out."""
MAX_PER_LABEL = 100
"""Texts of a label that are told from real ones, at most."""


def dispersion(vectors: np.ndarray) -> float:
    """Mean cosine distance of two texts, 0 (all alike) .. 1 and above.

    Args:
        vectors: float (n_texts, n_features) of unit length: the mean over all pairs is one minus the squared
            length of the mean vector.
    """
    return float(1.0 - np.square(vectors.mean(axis=0)).sum())


def topic_leak(topics: Sequence[int], labels: Sequence[str], seed: int = 0) -> float | None:
    """How much of a label the topic alone gives away, 0 (nothing) .. 1 (everything).

    The macro-F1 of a classifier that sees nothing but the topic, out of fold, above that of the same
    classifier with topics shuffled, as a share of what is left above that. Emotion corpora tie labels to
    topics, and classifiers follow: Wegge and Klinger 2023, "Automatic Emotion Experiencer Recognition".

    Args:
        topics: Number of the topic of each text, from 0.
        labels: The one label of each text.
        seed: Decides folds and shuffling.

    Returns:
        None where fewer than two labels have `MIN_TEXTS` texts.
    """
    counts = Counter(labels)
    known = [i for i, label in enumerate(labels) if counts[label] >= MIN_TEXTS]
    if len({labels[i] for i in known}) < 2:
        return None
    seen, names = np.array([topics[i] for i in known]), np.array([labels[i] for i in known])
    shuffled = np.random.default_rng(seed).permutation(seen)
    own, chance = (_guessed(column, names, int(seen.max()) + 1, seed) for column in (seen, shuffled))
    return max(0.0, float((own - chance) / (1.0 - chance))) if chance < 1.0 else 0.0


def _guessed(topics: np.ndarray, labels: np.ndarray, n_topics: int, seed: int) -> float:
    """Macro-F1 of naive Bayes on the topic, every label equally likely beforehand."""
    model = CategoricalNB(min_categories=n_topics, fit_prior=False)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    guessed = cross_val_predict(model, topics[:, None], labels, cv=folds)
    return float(f1_score(labels, guessed, average="macro"))


def real_auc(
    synthetic: Sequence[tuple[str, str]], real: Sequence[tuple[str, str]], seed: int = 0
) -> float | None:
    """How well synthetic and real texts of one label can be told apart, 0.5 (not at all) .. 1 (always).

    Area under the ROC curve of a logistic regression on runs of one to four characters, out of fold, as
    many texts of each label on either side; the mean over the labels of the area within each.

    Args:
        synthetic: (text, label) pairs.
        real: (text, label) pairs, cleaned and scrubbed in the same way.
        seed: Decides the texts and the folds.

    Returns:
        None where no label has `MIN_TEXTS` texts on both sides.
    """
    rng = np.random.default_rng(seed)
    texts, sides, labels = list[str](), list[int](), list[str]()
    for label in sorted({label for _, label in synthetic}):
        own, theirs = ([text for text, name in side if name == label] for side in (synthetic, real))
        n = min(len(own), len(theirs), MAX_PER_LABEL)
        if n >= MIN_TEXTS:
            for side, group in enumerate((own, theirs)):
                texts += [group[i] for i in rng.permutation(len(group))[:n]]
                sides += [side] * n
                labels += [label] * n
    if not texts:
        return None
    model = make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, min_df=2),
        LogisticRegression(C=4.0, max_iter=300),
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    scores = cross_val_predict(model, texts, sides, cv=folds, method="decision_function")
    of_label = {name: np.array([own == name for own in labels]) for name in dict.fromkeys(labels)}
    areas = [roc_auc_score(np.array(sides)[mask], scores[mask]) for mask in of_label.values()]
    return float(np.mean(areas))
