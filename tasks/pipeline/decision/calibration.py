"""Probabilities that mean what they say: Platt scaling per label, held near the identity."""

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import expit, logit

from tasks.data.arrays import Matrix

# Strength of the pull towards slope 1 and intercept 0, in texts: a label with a handful of positives in
# validation keeps what training gave it.
PRIOR = 10.0
EDGE = 1e-6
FAR = 40.0
"""Log-odds beyond the scores themselves that an intercept may have to make up for a share near 0 or 1."""


def platt_scaling(
    probabilities: Matrix, targets: Matrix, weights: Matrix | None = None
) -> tuple[Matrix, Matrix]:
    """Fit `slope * logit(p) + intercept` per label by weighted log loss on validation texts.

    Platt 1999, "Probabilistic outputs for support vector machines", with a Gaussian prior at the identity.

    Args:
        probabilities: (n, n_labels), 0..1.
        targets: (n, n_labels), 0..1; values below 0 are unknown and left out.
        weights: (n,) texts out there that each text stands for; None means one.

    Returns:
        Slopes and intercepts, (n_labels,) each; slopes are positive, so that no ranking changes.
    """
    scores = logit(np.clip(np.asarray(probabilities, dtype=float), EDGE, 1 - EDGE))
    counts = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=float)
    fitted = [
        _fit(column, target, counts) for column, target in zip(scores.T, np.asarray(targets).T, strict=True)
    ]
    return np.array([slope for slope, _ in fitted]), np.array([intercept for _, intercept in fitted])


def apply_platt(probabilities: Matrix, slope: Matrix, intercept: Matrix) -> Matrix:
    """Probabilities (n, n_labels) after `slope * logit + intercept`, (n_labels,) each."""
    scores = logit(np.clip(np.asarray(probabilities, dtype=float), EDGE, 1 - EDGE))
    rescaled: Matrix = expit(slope * scores + intercept)
    return rescaled


def match_shares(probabilities: Matrix, slope: Matrix, shares: Matrix) -> Matrix:
    """Intercepts with which the mean calibrated probability of each label is its share, (n_labels,).

    Args:
        probabilities: Raw, (n, n_labels), 0..1.
        slope: (n_labels,), positive.
        shares: (n_labels,), between 0 and 1.
    """
    scores = slope * logit(np.clip(np.asarray(probabilities, dtype=float), EDGE, 1 - EDGE))

    def too_many(intercept: float, column: Matrix, share: float) -> float:
        return float(expit(column + intercept).mean() - share)

    edge = FAR + float(np.abs(scores).max())
    columns = zip(scores.T, shares, strict=True)
    return np.array([brentq(too_many, -edge, edge, args=(column, share)) for column, share in columns])


def _fit(scores: Matrix, targets: Matrix, counts: Matrix) -> tuple[float, float]:
    known = targets >= 0
    x, y, w = scores[known], targets[known], counts[known]

    def loss(parameters: Matrix) -> tuple[float, Matrix]:
        log_slope, intercept = parameters
        slope = np.exp(log_slope)
        z = slope * x + intercept
        value = (w * (np.logaddexp(0, z) - y * z)).sum() + PRIOR / 2 * (log_slope**2 + intercept**2)
        rest = w * (expit(z) - y)
        return float(value), np.array(
            [(rest * x).sum() * slope + PRIOR * log_slope, rest.sum() + PRIOR * intercept]
        )

    log_slope, intercept = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B").x
    return float(np.exp(log_slope)), float(intercept)
