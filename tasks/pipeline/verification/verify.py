"""Does a text carry the labels that it was asked to carry? Everybody votes, the votes decide."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.config import VerifyingConfig
from tasks.data.records import Row, Sifted
from tasks.models.embedding import embed
from tasks.pipeline.verification.aggregation import (
    Matrix,
    believe,
    classifier_evidence,
    log_odds,
    prior_of,
    set_belief,
)
from tasks.pipeline.verification.decisions import FEWEST, decide_rows
from tasks.pipeline.verification.out_of_fold import label_quality, out_of_fold
from tasks.pipeline.verification.real_data_model import Teacher
from tasks.pipeline.verification.vote_columns import (
    ASKED,
    BELIEF,
    FOLDS,
    JUDGE,
    LIKELIHOOD,
    TEACHER,
    cast_votes,
    with_votes,
)
from tasks.taxonomy import Taxonomy


def verify_rows(
    rows: Sequence[Row],
    taxonomy: Taxonomy,
    config: VerifyingConfig,
    seed: int,
    teacher: Teacher | None = None,
    weights: dict[str, float] | None = None,
) -> Sifted:
    """Keep, relabel, mask or drop by the votes on every label; see `tasks.pipeline.verification.decisions`.

    Two voters are heard here, because they look at all rows at once: the folds, and a teacher if there is
    one. What the generator or a judge said about a row stands on it already. All votes about the
    labels that a row was asked to carry or may carry stay on it, with the belief that came of them; `quality`
    is cleanlab's label quality score and `belief` that in the labels asked for as a whole, both 0..1.

    Args:
        rows: Clean and scrubbed rows with `group` set; groups never cross folds.
        taxonomy: Labels in the order of `targets`.
        config: Voters, weights and thresholds.
        seed: Decides the folds.
        teacher: Who learnt from real rows.
        weights: Weight per vote, as fitted on real rows; None takes those of the configuration.
    """
    asked = np.array([row["targets"] for row in rows]) > 0.5  # (n_rows, n_labels)
    groups = [row["group"] or row["id"] for row in rows]
    if not config.enabled or len(rows) < FEWEST * config.folds:
        return Sifted(kept=list(rows))
    if (asked == asked[0]).all() or len(set(groups)) < 2:
        return Sifted(kept=list(rows))  # nothing to tell apart, or nothing to tell it by
    texts = [row["text"] for row in rows]
    votes = {name: cast_votes(rows, name, taxonomy.names) for name in (LIKELIHOOD, JUDGE)}
    votes[FOLDS] = out_of_fold(embed(texts, "embed texts"), asked, groups, config.folds, seed)
    if teacher:
        votes[TEACHER] = teacher.probabilities(texts)
    belief = believe(prior_of(asked, config.held), evidence_of(votes), weights or config.weights)
    quality = label_quality(asked, votes[FOLDS])
    shown = asked | (belief >= min(config.mask, config.relabel))
    ballots = {ASKED: np.where(asked, 1.0, np.nan), **votes, BELIEF: belief}
    voted = [_with_ballots(row, i, ballots, shown, taxonomy) for i, row in enumerate(rows)]
    for row, score, whole in zip(voted, quality.tolist(), set_belief(asked, belief).tolist(), strict=True):
        row["votes"] |= {"quality": round(score, 4), BELIEF: round(whole, 4)}
    return decide_rows(voted, belief, taxonomy, config)


def evidence_of(votes: dict[str, Matrix]) -> dict[str, Matrix]:
    """Evidence of each voter, (n_rows, n_labels).

    The generator's vote is a likelihood ratio already; a judge's yes and no have even odds beforehand.
    """
    plain = {LIKELIHOOD: lambda vote: vote, JUDGE: log_odds}
    return {name: plain.get(name, classifier_evidence)(vote) for name, vote in votes.items()}


def _with_ballots(
    row: Row, place: int, ballots: dict[str, Matrix], shown: NDArray[np.bool_], taxonomy: Taxonomy
) -> Row:
    for voter, votes in ballots.items():
        said = {
            taxonomy.names[label]: votes[place, label]
            for label in np.flatnonzero(shown[place])
            if not np.isnan(votes[place, label])
        }
        row = with_votes(row, voter, said)
    return row
