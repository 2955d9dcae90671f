"""Vote aggregation: one probability per label from the weighted votes of all sources.

    logit posterior = logit prior + sum over votes of weight x evidence

Evidence is a log-likelihood ratio: how much likelier a vote's finding is on texts that carry the label than
on others, 0 where it says nothing. With weights of 1 this is Bayes' rule for votes that err independently;
they do not quite, hence smaller weights (logarithmic pooling: Genest & Zidek 1986, "Combining Probability
Distributions").
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from tasks.data.arrays import Matrix

MAX_EVIDENCE = 5.0
"""Votes are clipped at odds of 148 : 1, so that one rare word does not outvote all other sources."""
# Keeps the logarithm of a certain classifier finite; weaker than the bound on evidence.
CERTAIN = 1e-4


def classifier_evidence(probabilities: Matrix) -> Matrix:
    """Evidence in the probabilities of a classifier, given how often it expects each label.

    Args:
        probabilities: (n, n_labels), 0..1, NaN where it did not vote.

    Returns:
        (n, n_labels): log-odds less the log-odds of the column's mean, NaN where there was no vote.
    """
    voted = ~np.isnan(probabilities)
    mean = np.where(voted, probabilities, 0.0).sum(axis=0) / np.maximum(voted.sum(axis=0), 1)
    return log_odds(probabilities) - log_odds(mean)


def log_odds(probabilities: Matrix) -> Matrix:
    """Natural logarithm of p / (1 - p), finite for 0 and 1."""
    found: Matrix = logit(np.clip(probabilities, CERTAIN, 1 - CERTAIN))
    return found


def prior_of(requested: NDArray[np.bool_], label_prior: float) -> Matrix:
    """Probability of every label before any vote, (n, n_labels).

    Args:
        requested: Labels that each text was conditioned on, (n, n_labels).
        label_prior: Probability that such a label holds; the labels that were not asked for share the rest.
    """
    others = np.maximum((~requested).sum(axis=1, keepdims=True), 1)
    prior: Matrix = np.where(requested, label_prior, (1.0 - label_prior) / others)
    return prior


def aggregate_votes(prior: Matrix, evidence: Mapping[str, Matrix], weights: Mapping[str, float]) -> Matrix:
    """Combine prior and votes, (n, n_labels), 0..1; a vote that was not cast changes nothing."""
    total = log_odds(prior)
    for name, votes in evidence.items():
        total = total + weights[name] * np.nan_to_num(np.clip(votes, -MAX_EVIDENCE, MAX_EVIDENCE))
    label_probabilities: Matrix = expit(total)
    return label_probabilities


def set_probability(given: NDArray[np.bool_], label_probabilities: Matrix) -> Matrix:
    """Probability of the label set of each text, (n,), 0..1: the mean over its labels, in log-odds.

    A set that is wrong has several labels to show it, a right one may hold a label that is hard to see. 1 for
    a text without labels.
    """
    total = np.where(given, log_odds(label_probabilities), 0.0).sum(axis=1)
    n_labels = given.sum(axis=1)
    whole: Matrix = np.where(n_labels > 0, expit(total / np.maximum(n_labels, 1)), 1.0)
    return whole


def fit_weights(
    evidence: Mapping[str, Matrix], given: NDArray[np.bool_], right: NDArray[np.bool_]
) -> dict[str, float]:
    """Weights of the votes by a logistic regression on labels known to be right or wrong.

    Args:
        evidence: (n, n_labels) per vote.
        given: Labels that the texts came with, (n, n_labels); some of them wrong.
        right: Which of them hold, (n, n_labels).

    Returns:
        One weight per vote, 0 or more: a vote never counts against itself. Empty if all labels are right or
        all are wrong, which teaches nothing.
    """
    if len(set(right[given].tolist())) < 2:
        return {}
    names = list(evidence)
    features = np.column_stack(
        [np.nan_to_num(np.clip(evidence[name][given], -MAX_EVIDENCE, MAX_EVIDENCE)) for name in names]
    )
    model = LogisticRegression(C=10.0).fit(features, right[given])
    return {name: max(0.0, round(float(w), 3)) for name, w in zip(names, model.coef_[0], strict=True)}


def swap_labels(labels: Sequence[tuple[str, ...]], share: float, seed: int) -> list[tuple[str, ...]]:
    """Exchange the label sets of a share of the texts, so that none of these keeps a label of its own.

    Label frequencies stay as they are. Texts that find no partner keep their labels.

    Args:
        labels: Label set of each text.
        share: Share of the texts whose labels change, 0..1.
        seed: Decides which texts, and who gets whose labels.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(labels))[: round(share * len(labels))].tolist()
    swapped = list(labels)
    free = [chosen[i] for i in rng.permutation(len(chosen))]
    for index in chosen:
        donor = next((other for other in free if not set(labels[other]) & set(labels[index])), None)
        if donor is not None:
            free.remove(donor)
            swapped[index] = tuple(labels[donor])
    return swapped
