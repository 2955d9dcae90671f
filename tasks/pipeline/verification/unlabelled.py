"""Texts that nobody has labelled, labelled by votes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from tasks.config import VerifyingConfig
from tasks.data.records import FilterResult, Row, reject
from tasks.data.votes import FOLDS, JUDGE, LABEL_PROBABILITY, TEACHER, read_votes, with_votes
from tasks.models.embedding import embed
from tasks.pipeline.verification.aggregation import aggregate_votes
from tasks.pipeline.verification.decisions import decide_rows
from tasks.pipeline.verification.logistic import fit_logistic
from tasks.pipeline.verification.real_data_model import Teacher
from tasks.pipeline.verification.verify import evidence_of
from tasks.taxonomy import Taxonomy


def guess_labels(
    rows: Sequence[Row], known: Sequence[Row], taxonomy: Taxonomy, seed: int, teacher: Teacher | None = None
) -> list[Row]:
    """Rows with the votes of two classifiers on every label, and the most probable label for a judge to read.

    Args:
        rows: Unlabelled rows.
        known: Rows that the first classifier learns from.
        taxonomy: Names the labels.
        seed: See `fit_logistic`.
        teacher: Classifier that learnt from real rows, if there is one.
    """
    targets = np.array([row["targets"] for row in known]) > 0.5
    vectors = embed([row["text"] for row in known], "embed texts")
    texts = [row["text"] for row in rows]
    votes = {
        FOLDS: fit_logistic(vectors, targets, seed).probabilities(embed(texts, "embed unlabelled texts"))
    }
    if teacher:
        votes[TEACHER] = teacher.probabilities(texts)
    voted = []
    for i, row in enumerate(rows):
        for source, found in votes.items():
            row = with_votes(row, source, dict(zip(taxonomy.names, found[i].tolist(), strict=True)))
        voted.append(cast("Row", {**row, "labels": [taxonomy.names[int(votes[FOLDS][i].argmax())]]}))
    return voted


def label_by_votes(
    rows: Sequence[Row],
    known: Sequence[Row],
    taxonomy: Taxonomy,
    config: VerifyingConfig,
    seed: int,
    weights: Mapping[str, float] | None = None,
) -> FilterResult:
    """Give every row its most probable label if that is probable enough; drop the others.

    The first classifier's probability is where the other votes start from. A row takes on a label as one does
    that lost its own (`config.relabel_threshold`); other probable labels are unknown
    (`config.mask_threshold`). No label gets more of these rows than it has known ones.

    Args:
        rows: Rows with the votes of `guess_labels`, and of a judge if there is one.
        known: Training rows.
        taxonomy: Names the labels.
        config: Thresholds and weights.
        seed: Decides which rows stay where there are too many.
        weights: Weight per vote, as fitted on real rows; None takes those of the configuration.
    """
    first, *others = (read_votes(rows, name, taxonomy.names) for name in (FOLDS, TEACHER, JUDGE))
    evidence = evidence_of(dict(zip((TEACHER, JUDGE), others, strict=True)))
    probable = aggregate_votes(first, evidence, weights or config.weights)
    bare = []
    for row, found_of_row in zip(rows, probable.tolist(), strict=True):
        by_label = dict(zip(taxonomy.names, found_of_row, strict=True))
        bare.append(with_votes(cast("Row", {**row, "labels": []}), LABEL_PROBABILITY, by_label))
    found = decide_rows(bare, probable, taxonomy, config)
    room = Counter(label for row in known for label in row["labels"])
    kept, beyond = list[Row](), list[Row]()
    for i in np.random.default_rng(seed).permutation(len(found.kept)).tolist():
        row = found.kept[i]
        (label,) = row["labels"]
        room[label] -= 1
        (kept if room[label] >= 0 else beyond).append(cast("Row", {**row, "split": "train"}))
    return replace(found, kept=kept, rejects=[*found.rejects, *reject(beyond, "verifying", "label is full")])
