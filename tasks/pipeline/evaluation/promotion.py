"""The gate: whether a run becomes champion, and why not."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tasks.data.scores import CLASSIFIER, MAJORITY, REAL, TFIDF, TITLES, Metrics, RunScores
from tasks.data.summaries import Outcome
from tasks.pipeline.evaluation.bootstrap import Estimate, estimate, resample_counts
from tasks.pipeline.evaluation.comparison import scores_of
from tasks.pipeline.evaluation.predictions import Predictions
from tasks.taxonomy import Taxonomy

MIN_TEXTS = 30
"""Test texts below which no score decides anything."""
MIN_TEXTS_PER_LABEL = 5
"""Test texts of a label below which its F1, and so macro-F1, is chance."""


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
    return {name: estimate([new[name]], counts, [old[name]]) for name in TITLES if name in new}


def regressions(differences: dict[str, Estimate]) -> list[str]:
    """What is worse beyond chance: differences whose whole interval lies below zero."""
    return [
        f"{TITLES[name]} is {-found.value:.3f} below the champion's on the same texts "
        f"(95 % interval of the difference {found.low:+.3f} to {found.high:+.3f})"
        for name, found in differences.items()
        if found.high < 0
    ]


def verdict(
    scores: RunScores,
    champion: Mapping[str, Any] | None,
    test: str,
    worse: Sequence[str] | None = None,
) -> Outcome:
    """Whether a run becomes champion, and why not.

    On the test set that decides (human text if there is any) there must be enough texts, and the whole 95 %
    interval of macro-F1, or of kappa on a scale, must lie above both baselines. The run must not be worse
    than a champion that was measured on the same texts, nor take the place of one with other labels, nor
    exceed a fairness limit.

    Args:
        scores: Of the run.
        champion: Entry of `champion.json` for the taxonomy, if there is one.
        test: Name of the test set with its content hash; only equal names are compared.
        worse: Scores that are significantly worse than the champion's; None where the champion's predictions
            are not known, so that only the scores can be compared.
    """
    test_set = scores.deciding_set
    own = scores.metrics(CLASSIFIER, test_set)
    reasons = [] if own is None else [*_too_few(own, test_set), *_not_above_baselines(scores, test_set)]
    if champion and (other := other_labels(champion, scores.taxonomy)):
        reasons.append(other)
    elif champion:
        reasons += worse or ()
        if worse is None and champion["test"] == test and own:
            reasons += _below_record(own, champion, scores.headline)
        if champion["test"].startswith(REAL) and test_set != REAL:
            reasons.append("the champion was measured on real text and this run was not")
    if scores.fairness:
        reasons += scores.fairness.violations
    return Outcome(champion=not reasons, reasons=tuple(reasons))


def other_labels(champion: Mapping[str, Any], taxonomy: Taxonomy) -> str:
    """Say that a champion of the same name has other labels; empty where it has the same, in any order."""
    theirs = champion.get("labels", taxonomy.names)
    if set(theirs) == set(taxonomy.names):
        return ""
    return (
        f"the champion of taxonomy {taxonomy.name} has other labels ({', '.join(theirs)}), so this taxonomy "
        "needs another name"
    )


def _too_few(own: Metrics, test_set: str) -> Iterator[str]:
    if own.n_rows < MIN_TEXTS:
        yield f"the {test_set} test set has {own.n_rows} texts and needs at least {MIN_TEXTS}"
    rare = [f"{label.label} {label.n_true}" for label in own.per_label if label.n_true < MIN_TEXTS_PER_LABEL]
    if rare:
        yield (
            f"the {test_set} test set has too few texts of some labels ({', '.join(rare)}) and needs at "
            f"least {MIN_TEXTS_PER_LABEL} of each"
        )


def _below_record(own: Metrics, champion: Mapping[str, Any], decides: str) -> Iterator[str]:
    """Say that a run is below what was noted of a champion; older notes have macro-F1 alone."""
    score = decides if champion.get(decides) is not None else "f1_macro"
    ours, theirs = getattr(own, score), champion[score]
    if ours < theirs:
        one, other = _distinguishable(ours, theirs)
        yield f"{TITLES[score]} {one} is below the champion's {other}"


def _not_above_baselines(scores: RunScores, test_set: str) -> Iterator[str]:
    score = scores.headline
    own = scores.result(CLASSIFIER, test_set)
    baselines = {name: scores.metrics(name, test_set) for name in (MAJORITY, TFIDF)}
    known = {
        name: value
        for name, metrics in baselines.items()
        if metrics and (value := getattr(metrics, score)) is not None
    }
    if own is None or score not in own.intervals or len(known) < len(baselines):
        yield f"{TITLES[score]} has no interval, or no baseline stands beside it"
        return
    low, high = own.intervals[score]
    if reached := [f"{name} ({value:.3f})" for name, value in known.items() if low <= value]:
        yield (
            f"{TITLES[score]} {getattr(own.metrics, score):.3f} (95 % interval {low:.3f} to {high:.3f}) does "
            f"not lie above {' and '.join(reached)}"
        )


def _distinguishable(one: float, other: float) -> tuple[str, str]:
    """Both numbers with three digits, or with as many as they need to differ."""
    digits = next((n for n in range(3, 17) if f"{one:.{n}f}" != f"{other:.{n}f}"), 17)
    return f"{one:.{digits}f}", f"{other:.{digits}f}"
