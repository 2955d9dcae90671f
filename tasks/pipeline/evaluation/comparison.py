"""Data-mix ablation: the same classifier on every mix of real and synthetic rows, and the differences.

An arm says which rows are learnt from; nothing here sees a test text before a model is finished.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.data.arrays import Matrix
from tasks.pipeline.evaluation.bootstrap import (
    N_BINS,
    N_RESAMPLES,
    Estimate,
    Score,
    calibration_error,
    interval,
    macro_f1,
    mean_average_precision,
    micro_f1,
    pearson,
    quadratic_kappa,
    ranking_precisions,
    resample_counts,
    resampled_scores,
    row_mean,
)
from tasks.pipeline.evaluation.measure import true_levels
from tasks.pipeline.evaluation.predictions import Predictions
from tasks.taxonomy import Taxonomy

MIN_POSITIVES = 100
"""Test rows from which the F1 of a single label says something."""


def common_labels(found: Predictions) -> list[int]:
    """Places of the labels with `MIN_POSITIVES` test rows or more: those of `f1_macro_common`."""
    return np.flatnonzero(found.true.sum(axis=0) >= MIN_POSITIVES).tolist()


def scores_of(found: Predictions, taxonomy: Taxonomy) -> dict[str, Score]:
    """Every score of one model that gets an interval, by name."""
    decided, true = found.decided, found.true
    predictions = np.where(found.targets < 0, 0.0, found.probabilities)  # as `measure` counts what is unknown
    common = common_labels(found)
    hits, either = (decided * true).sum(axis=1), np.maximum(decided, true).sum(axis=1)
    scores = {
        "f1_macro": macro_f1(decided, true),
        "f1_micro": micro_f1(decided, true),
        "jaccard": row_mean(np.where(either > 0, hits / np.maximum(either, 1), 0.0)),
        "mean_average_precision": mean_average_precision(predictions, true),
        "ranking_average_precision": row_mean(ranking_precisions(predictions, true)),
        "calibration_error": calibration_error(predictions, true, N_BINS),
        "brier": row_mean(((predictions - true) ** 2).mean(axis=1)),
    }
    if 0 < len(common) < taxonomy.n_labels:
        scores["f1_macro_common"] = macro_f1(decided, true, common)
    if taxonomy.ordinal:
        scores |= _ordinal_scores(found, taxonomy)
    return scores


def _ordinal_scores(found: Predictions, taxonomy: Taxonomy) -> dict[str, Score]:
    """Kappa, correlation and mean absolute error over the texts of one level; the others count nothing."""
    true = true_levels(found.targets)
    known = true > 0
    kappa = quadratic_kappa(found.levels[known], true[known], taxonomy.n_labels)
    mae = row_mean(np.abs(found.levels[known] - true[known]).astype(float))
    correlation = pearson(found.levels[known].astype(float), true[known].astype(float))
    scores = {"kappa": kappa, "pearson": correlation, "mae": mae}
    return {name: _on_rows(score, known) for name, score in scores.items()}


def _on_rows(score: Score, known: NDArray[np.bool_]) -> Score:
    return lambda counts: score(counts[:, known])


def rare_f1(seeds: Sequence[Predictions], labels: Sequence[int]) -> Score:
    """Mean F1 of some labels over the held-out folds of all seeds pooled."""
    decided, true = (np.vstack([getattr(p, name) for p in seeds]) for name in ("decided", "true"))
    weights = np.concatenate([p.weights for p in seeds])
    score = macro_f1(decided, true, labels)
    return lambda counts: score(counts * weights)


class Comparison(NamedTuple):
    """Scores of all arms and their differences."""

    scores: dict[str, dict[str, Estimate]]
    """Per arm and score."""
    differences: dict[str, dict[str, Estimate]]
    """Per "one - other" and score."""


def compare(
    found: Mapping[str, Sequence[Predictions]],
    taxonomy: Taxonomy,
    pairs: Iterable[tuple[str, str]],
    seed: int,
    n_resamples: int = N_RESAMPLES,
) -> Comparison:
    """Scores of every arm, and paired differences of some, with intervals.

    Args:
        found: Per arm one `Predictions` per seed, all on the same test rows.
        taxonomy: Names the labels.
        pairs: Arms to compare; those that were not measured are left out.
        seed: Decides the draws.
        n_resamples: Test sets drawn for the intervals.
    """
    first = next(iter(found.values()))[0]
    counts = resample_counts(len(first.targets), seed, n_resamples)
    draws = {name: _draws([scores_of(p, taxonomy) for p in seeds], counts) for name, seeds in found.items()}
    return Comparison(
        {name: {s: interval(each) for s, each in own.items()} for name, own in draws.items()},
        {
            f"{one} - {other}": {s: interval(each - draws[other][s]) for s, each in draws[one].items()}
            for one, other in pairs
            if one in draws and other in draws
        },
    )


def compare_on_shared(
    found: Mapping[str, Sequence[Predictions]],
    taxonomy: Taxonomy,
    pairs: Sequence[tuple[str, str]],
    seed: int,
    n_resamples: int = N_RESAMPLES,
) -> Comparison:
    """As `compare`, where some arms labelled a sample of the texts alone: each is compared on its own sample.

    Args:
        found: Per arm one `Predictions` per seed; the largest set of texts holds all others.
        taxonomy: See `compare`.
        pairs: See `compare`; a pair of two samples is left out.
        seed: See `compare`.
        n_resamples: See `compare`.
    """
    n_all = max(len(seeds[0].ids) for seeds in found.values())
    whole = {name: seeds for name, seeds in found.items() if len(seeds[0].ids) == n_all}
    compared = compare(whole, taxonomy, pairs, seed, n_resamples)
    scores, differences = dict(compared.scores), dict(compared.differences)
    for name, seeds in found.items():
        if name not in whole:
            own = [pair for pair in pairs if name in pair]
            beside = {other for pair in own for other in pair if other in whole}
            on_sample = {other: [_on(p, seeds[0].ids) for p in whole[other]] for other in beside}
            part = compare({name: seeds, **on_sample}, taxonomy, own, seed, n_resamples)
            scores[name] = part.scores[name]
            differences |= part.differences
    order = [f"{one} - {other}" for one, other in pairs]
    return Comparison(
        {name: scores[name] for name in found},
        {name: differences[name] for name in order if name in differences},
    )


def _on(found: Predictions, ids: NDArray[np.str_]) -> Predictions:
    """What was said about some of the texts, in the order of their ids."""
    places = {name: place for place, name in enumerate(found.ids.tolist())}
    return found.rows(np.array([places[name] for name in ids.tolist()], dtype=int))


def _draws(seeds: Sequence[Mapping[str, Score]], counts: Matrix) -> dict[str, Matrix]:
    """Every score of an arm on every draw, mean over its seeds; see `resampled_scores`."""
    return {name: resampled_scores([scores[name] for scores in seeds], counts) for name in seeds[0]}
