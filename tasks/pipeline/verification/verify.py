"""Label verification: collect the votes of all sources, aggregate them, and decide."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.config import VerifyingConfig
from tasks.data.arrays import Matrix
from tasks.data.records import FilterResult, Row
from tasks.data.votes import (
    FOLDS,
    JUDGE,
    LABEL_PROBABILITY,
    LIKELIHOOD,
    REQUESTED,
    TEACHER,
    read_votes,
    with_votes,
)
from tasks.models.embedding import embed
from tasks.pipeline.verification.aggregation import (
    aggregate_votes,
    classifier_evidence,
    log_odds,
    prior_of,
    set_probability,
)
from tasks.pipeline.verification.decisions import MIN_ROWS, decide_rows
from tasks.pipeline.verification.out_of_fold import label_quality, out_of_fold
from tasks.pipeline.verification.real_data_model import Teacher
from tasks.taxonomy import Taxonomy


def verify_rows(
    rows: Sequence[Row],
    taxonomy: Taxonomy,
    config: VerifyingConfig,
    seed: int,
    teacher: Teacher | None = None,
    weights: dict[str, float] | None = None,
) -> FilterResult:
    """Keep, relabel, mask or drop by the votes on every label; see `tasks.pipeline.verification.decisions`.

    Two sources are heard here, because they look at all rows at once: the folds, and a teacher if there is
    one. What the generator or a judge said about a row stands on it already. All votes about the labels that
    a row was asked to carry or may carry stay on it, with the label probability that came of them; `quality`
    is cleanlab's label quality score and `label_probabilities` that in the labels asked for as a whole, both
    0..1.

    Args:
        rows: Clean and scrubbed rows with `group` set; groups never cross folds.
        taxonomy: Labels in the order of `targets`.
        config: Sources, weights and thresholds.
        seed: Decides the folds.
        teacher: Who learnt from real rows.
        weights: Weight per vote, as fitted on real rows; None takes those of the configuration.
    """
    requested = np.array([row["targets"] for row in rows]) > 0.5  # (n_rows, n_labels)
    groups = [row["group"] or row["id"] for row in rows]
    if not config.enabled or len(rows) < MIN_ROWS * config.folds:
        return FilterResult(kept=list(rows))
    if (requested == requested[0]).all() or len(set(groups)) < 2:
        return FilterResult(kept=list(rows))  # nothing to tell apart, or nothing to tell it by
    texts = [row["text"] for row in rows]
    votes = {name: read_votes(rows, name, taxonomy.names) for name in (LIKELIHOOD, JUDGE)}
    votes[FOLDS] = out_of_fold(embed(texts, "embed texts"), requested, groups, config.folds, seed)
    if teacher:
        votes[TEACHER] = teacher.probabilities(texts)
    label_probabilities = aggregate_votes(
        prior_of(requested, config.label_prior), evidence_of(votes), weights or config.weights
    )
    quality = label_quality(requested, votes[FOLDS])
    shown = requested | (label_probabilities >= min(config.mask_threshold, config.relabel_threshold))
    vote_columns = {
        REQUESTED: np.where(requested, 1.0, np.nan),
        **votes,
        LABEL_PROBABILITY: label_probabilities,
    }
    voted = [_with_vote_columns(row, i, vote_columns, shown, taxonomy) for i, row in enumerate(rows)]
    for row, score, whole in zip(
        voted, quality.tolist(), set_probability(requested, label_probabilities).tolist(), strict=True
    ):
        row["votes"] |= {"quality": round(score, 4), LABEL_PROBABILITY: round(whole, 4)}
    return decide_rows(voted, label_probabilities, taxonomy, config)


def evidence_of(votes: dict[str, Matrix]) -> dict[str, Matrix]:
    """Evidence of each source, (n_rows, n_labels).

    The generator's vote is a likelihood ratio already; a judge's yes and no have even odds beforehand.
    """
    plain = {LIKELIHOOD: lambda vote: vote, JUDGE: log_odds}
    return {name: plain.get(name, classifier_evidence)(vote) for name, vote in votes.items()}


def _with_vote_columns(
    row: Row, index: int, vote_columns: dict[str, Matrix], shown: NDArray[np.bool_], taxonomy: Taxonomy
) -> Row:
    for source, votes in vote_columns.items():
        votes_of_row = {
            taxonomy.names[label]: votes[index, label]
            for label in np.flatnonzero(shown[index])
            if not np.isnan(votes[index, label])
        }
        row = with_votes(row, source, votes_of_row)
    return row
