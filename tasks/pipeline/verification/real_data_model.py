"""The classifier trained on real rows: two small classifiers that err in different ways, averaged.

One reads what the upper layers of an encoder make of a text; its last layer alone, made to tell topics, blurs
feelings. The other reads the words. Neither needs a GPU.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from tasks.models.embedding import embed_layers
from tasks.pipeline.verification.aggregation import log_odds
from tasks.pipeline.verification.logistic import Logistic
from tasks.pipeline.verification.mlp import Network, fit_network

# Words, pairs of words, and marks, for "!" and ":)" tell feelings.
WORDS = {
    "ngram_range": (1, 2),
    "sublinear_tf": True,
    "strip_accents": "unicode",
    "token_pattern": r"[^\W_]+|[^\w\s]",
}
NETWORKS = 3
"""What they agree on is surer than what one says: Lakshminarayanan et al. 2017, "Simple and Scalable
Predictive Uncertainty Estimation using Deep Ensembles"."""
WEIGHTS = tuple(field.name for field in fields(Network))
MIN_TEXTS_PER_WORD = 2
"""Texts that a word must stand in."""


@dataclass(frozen=True)
class Teacher:
    """Both classifiers, fitted.

    Attributes:
        sense: On the upper layers of MiniLM, several that began differently.
        words: On TF-IDF.
        terms: Words and pairs of words in the order of the rows of `words.weights`.
        idf: float (n_terms,).
    """

    sense: tuple[Network, ...]
    words: Logistic
    terms: tuple[str, ...]
    idf: NDArray[np.float64]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probability of every label, (n_texts, n_labels), 0..1: the mean of the two in log-odds."""
        vectorizer = TfidfVectorizer(**WORDS, vocabulary={term: i for i, term in enumerate(self.terms)})
        vectorizer.idf_ = self.idf
        by_words = self.words.probabilities(vectorizer.transform(texts))
        vectors = embed_layers(texts, "read texts")
        by_sense = np.mean([log_odds(network.probabilities(vectors)) for network in self.sense], axis=0)
        found: NDArray[np.float64] = expit((log_odds(by_words) + by_sense) / 2)
        return found

    def to_bytes(self) -> bytes:
        """All arrays in NumPy's own format."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            allow_pickle=False,
            **{name: np.stack([getattr(n, name) for n in self.sense]) for name in WEIGHTS},
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
            tuple(Network(*weights) for weights in zip(*(arrays[name] for name in WEIGHTS), strict=True)),
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
    vectorizer = TfidfVectorizer(**WORDS, min_df=min(MIN_TEXTS_PER_WORD, len(texts) // 10 + 1))
    features = vectorizer.fit_transform(texts)
    fits = [_fit_words(features, column, seed) for column in targets.T]
    words = Logistic(np.column_stack([w for w, _ in fits]), np.array([b for _, b in fits]))
    vectors = embed_layers(texts[:n_embedded], "read real texts")
    sense = tuple(fit_network(vectors, targets[:n_embedded], seed + i) for i in range(NETWORKS))
    return Teacher(sense, words, tuple(vectorizer.get_feature_names_out()), vectorizer.idf_)


def _fit_words(
    features: "NDArray[np.float64]", column: NDArray[np.bool_], seed: int
) -> tuple[NDArray[np.float64], float]:
    if column.all() or not column.any():
        return np.zeros(features.shape[1]), np.inf if column.all() else -np.inf
    model = LogisticRegression(C=4.0, solver="liblinear", random_state=seed).fit(features, column)
    return model.coef_[0], float(model.intercept_[0])
