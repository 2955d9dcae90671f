"""The voter that learnt from people: two plain classifiers that err in different ways, averaged.

One reads sentence embeddings, which know what words mean; one reads the words, which embeddings made for
topics blur where feelings are concerned. Neither needs a GPU.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from tasks.embedding import embed
from tasks.verifying.evidence import log_odds
from tasks.verifying.logistic import Logistic, fit_logistic

# Words, pairs of words, and marks, for "!" and ":)" tell feelings.
WORDS = {
    "ngram_range": (1, 2),
    "sublinear_tf": True,
    "strip_accents": "unicode",
    "token_pattern": r"[^\W_]+|[^\w\s]",
}
FEWEST_TEXTS = 2
"""Texts that a word must stand in."""


@dataclass(frozen=True)
class Teacher:
    """Both classifiers, fitted.

    Attributes:
        sense: On sentence embeddings.
        words: On TF-IDF.
        terms: Words and pairs of words in the order of the rows of `words.weights`.
        idf: float (n_terms,).
    """

    sense: Logistic
    words: Logistic
    terms: tuple[str, ...]
    idf: NDArray[np.float64]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probability of every label, (n_texts, n_labels), 0..1: the mean of the two in log-odds."""
        vectorizer = TfidfVectorizer(**WORDS, vocabulary={term: i for i, term in enumerate(self.terms)})
        vectorizer.idf_ = self.idf
        by_words = self.words.probabilities(vectorizer.transform(texts))
        by_sense = self.sense.probabilities(embed(texts, "embed texts"))
        found: NDArray[np.float64] = expit((log_odds(by_words) + log_odds(by_sense)) / 2)
        return found

    def to_bytes(self) -> bytes:
        """All arrays in NumPy's own format."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            sense=self.sense.weights,
            sense_bias=self.sense.bias,
            words=self.words.weights.astype(np.float32),
            words_bias=self.words.bias,
            terms=np.frombuffer("\n".join(self.terms).encode(), dtype=np.uint8),
            idf=self.idf,
        )
        return buffer.getvalue()

    @staticmethod
    def from_bytes(content: bytes) -> "Teacher":
        """What `to_bytes` gave."""
        arrays = np.load(io.BytesIO(content))
        return Teacher(
            Logistic(arrays["sense"], arrays["sense_bias"]),
            Logistic(arrays["words"], arrays["words_bias"]),
            tuple(arrays["terms"].tobytes().decode().split("\n")),
            arrays["idf"],
        )


def fit_teacher(texts: Sequence[str], targets: NDArray[np.bool_], n_embedded: int, seed: int) -> Teacher:
    """Fit both classifiers.

    Args:
        texts: Real texts in random order.
        targets: bool (n_texts, n_labels).
        n_embedded: Texts, from the first, that are embedded; words are cheap, and all are read.
        seed: Decides the starting points.
    """
    vectorizer = TfidfVectorizer(**WORDS, min_df=min(FEWEST_TEXTS, len(texts) // 10 + 1))
    features = vectorizer.fit_transform(texts)
    fits = [_fit_words(features, column, seed) for column in targets.T]
    words = Logistic(np.column_stack([w for w, _ in fits]), np.array([b for _, b in fits]))
    sense = fit_logistic(embed(texts[:n_embedded], "embed real texts"), targets[:n_embedded], seed)
    return Teacher(sense, words, tuple(vectorizer.get_feature_names_out()), vectorizer.idf_)


def _fit_words(
    features: "NDArray[np.float64]", column: NDArray[np.bool_], seed: int
) -> tuple[NDArray[np.float64], float]:
    if column.all() or not column.any():
        return np.zeros(features.shape[1]), np.inf if column.all() else -np.inf
    model = LogisticRegression(C=4.0, solver="liblinear", random_state=seed).fit(features, column)
    return model.coef_[0], float(model.intercept_[0])
