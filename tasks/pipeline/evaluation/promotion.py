"""Whether a new model is worse than the champion on the test texts that both were measured on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tasks.data.scores import CLASSIFIER, REAL, SYNTHETIC, TFIDF, RunScores
from tasks.pipeline.evaluation.bootstrap import Estimate, draw_counts, estimate
from tasks.pipeline.evaluation.comparison import scores_of
from tasks.pipeline.evaluation.predictions import Predictions
from tasks.taxonomy import Taxonomy

NAMES = {"f1_macro": "macro-F1", "kappa": "kappa"}


def beside_champion(
    own: Predictions, champion: Predictions, taxonomy: Taxonomy, seed: int
) -> dict[str, Estimate]:
    """Paired differences own - champion, with intervals: macro-F1, and kappa for scales.

    Each run leaves out the test texts that stand in its own training, so the texts of both are compared.
    """
    _, ours, theirs = np.intersect1d(own.ids, champion.ids, assume_unique=True, return_indices=True)
    if not len(ours):
        return {}
    new, old = (scores_of(said.rows(which), taxonomy) for said, which in ((own, ours), (champion, theirs)))
    counts = draw_counts(len(ours), seed)
    return {name: estimate([new[name]], counts, [old[name]]) for name in NAMES if name in new}


def complaints(differences: dict[str, Estimate]) -> list[str]:
    """What is worse beyond chance: differences whose whole interval lies below zero."""
    return [
        f"{NAMES[name]} is {-found.value:.3f} below the champion's on the same texts "
        f"(95 % interval of the difference {found.low:+.3f} to {found.high:+.3f})"
        for name, found in differences.items()
        if found.high < 0
    ]


def verdict(
    scores: RunScores,
    champion: Mapping[str, Any] | None,
    test: str,
    worse: Sequence[str] | None = None,
) -> tuple[bool, tuple[str, ...]]:
    """Whether a run becomes champion, and why not.

    It must beat the bag of words on the test set that decides, must not be worse than the champion where
    both were measured on the same text, and must keep the limits of fairness.

    Args:
        scores: Of the run.
        champion: Entry of `champion.json` for the taxonomy, if there is one.
        test: Name of the test set with its content hash; only equal names are compared.
        worse: In what the run is worse than the champion beyond chance; None where the champion's answers
            are not known, so that only the scores can be compared.
    """
    test_set = REAL if REAL in scores.test_sets else SYNTHETIC
    own, bag = (scores.metrics(arm, test_set) for arm in (CLASSIFIER, TFIDF))
    reasons = []
    if own and bag and own.f1_macro < bag.f1_macro:
        reasons.append(
            f"macro-F1 {own.f1_macro:.3f} is below TF-IDF + logistic regression ({bag.f1_macro:.3f})"
        )
    reasons += worse or ()
    is_comparable = worse is None and champion is not None and champion["test"] == test
    if own and champion and is_comparable and own.f1_macro < champion["f1_macro"]:
        reasons.append(f"macro-F1 {own.f1_macro:.3f} is below the champion's {champion['f1_macro']:.3f}")
    if champion and champion["test"].startswith(REAL) and test_set != REAL:
        reasons.append("the champion was measured on real text and this run was not")
    if scores.fairness:
        reasons += scores.fairness.complaints
    return not reasons, tuple(reasons)
