"""Logistic regressions, one per label: on sentence embeddings, and on words."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.neural_network import MLPClassifier

# Weight decay as scikit-learn counts it; embeddings have unit length.
L2 = 1.0


@dataclass(frozen=True)
class Logistic:
    """Fitted regressions.

    Attributes:
        weights: float (n_features, n_labels).
        bias: float (n_labels,); infinite for a label that all texts had or none.
    """

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def probabilities(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probability of every label, (n, n_labels), 0..1, for vectors (n, n_features)."""
        found: NDArray[np.float64] = expit(vectors @ self.weights + self.bias)
        return found


def fit_logistic(vectors: NDArray[np.float32], targets: NDArray[np.bool_], seed: int) -> Logistic:
    """Fit vectors (n, n_features) to targets (n, n_labels), all labels in one solve.

    A label that every text has, or none, gets that probability.
    """
    weights = np.zeros((vectors.shape[1], targets.shape[1]))
    bias = np.where(targets.all(axis=0), np.inf, -np.inf)
    open_ = np.flatnonzero(targets.any(axis=0) & ~targets.all(axis=0))
    if len(open_):
        # A network without hidden layers: `LogisticRegression` takes one label, this all in one solve.
        model = MLPClassifier((), solver="lbfgs", alpha=L2, max_iter=300, random_state=seed)
        model.fit(vectors, targets[:, open_].astype(int).squeeze())
        (weights[:, open_],), (bias[open_],) = model.coefs_, model.intercepts_
    return Logistic(weights, bias)
