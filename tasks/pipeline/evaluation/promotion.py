"""Whether a new model is worse than the champion on the test texts that both were measured on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tasks.data.scores import CLASSIFIER, REAL, SYNTHETIC, TFIDF, RunScores
from tasks.pipeline.evaluation.bootstrap import Estimate, estimate, resample_counts
from tasks.pipeline.evaluation.comparison import scores_of
from tasks.pipeline.evaluation.predictions import Predictions
from tasks.taxonomy import Taxonomy

NAMES = {"f1_macro": "macro-F1", "kappa": "kappa"}


def paired_differences(
    own: Predictions, champion: Predictions, taxonomy: Taxonomy, seed: int
) -> dict[str, Estimate]:
    """Paired differences own - champion, with intervals: macro-F1, and kappa for scales.

    Each run leaves out the test texts that stand in its own training, so the texts of both are compared.
    """
    _, ours, theirs = np.intersect1d(own.ids, champion.ids, assume_unique=True, return_indices=True)
    if not len(ours):
        return {}
    new, old = (
        scores_of(predictions.rows(which), taxonomy)
        for predictions, which in ((own, ours), (champion, theirs))
    )
    counts = resample_counts(len(ours), seed)
    return {name: estimate([new[name]], counts, [old[name]]) for name in NAMES if name in new}


def regressions(differences: dict[str, Estimate]) -> list[str]:
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

    It must beat the TF-IDF baseline on the test set that decides, must not be worse than the champion if both
    were measured on the same texts, and must not exceed a fairness limit.

    Args:
        scores: Of the run.
        champion: Entry of `champion.json` for the taxonomy, if there is one.
        test: Name of the test set with its content hash; only equal names are compared.
        worse: Scores that are significantly worse than the champion's; None where the champion's predictions
            are not known, so that only the scores can be compared.
    """
    test_set = REAL if REAL in scores.test_sets else SYNTHETIC
    own, bag = (scores.metrics(system, test_set) for system in (CLASSIFIER, TFIDF))
    reasons = []
    if own and bag and own.f1_macro < bag.f1_macro:
        ours, theirs = _distinguishable(own.f1_macro, bag.f1_macro)
        reasons.append(f"macro-F1 {ours} is below {TFIDF} ({theirs})")
    reasons += worse or ()
    is_comparable = worse is None and champion is not None and champion["test"] == test
    if own and champion and is_comparable and own.f1_macro < champion["f1_macro"]:
        ours, theirs = _distinguishable(own.f1_macro, champion["f1_macro"])
        reasons.append(f"macro-F1 {ours} is below the champion's {theirs}")
    if champion and champion["test"].startswith(REAL) and test_set != REAL:
        reasons.append("the champion was measured on real text and this run was not")
    if scores.fairness:
        reasons += scores.fairness.violations
    return not reasons, tuple(reasons)


def _distinguishable(one: float, other: float) -> tuple[str, str]:
    """Both numbers with three digits, or with as many as they need to differ."""
    digits = next((n for n in range(3, 17) if f"{one:.{n}f}" != f"{other:.{n}f}"), 17)
    return f"{one:.{digits}f}", f"{other:.{digits}f}"
