"""Fitting on real rows: a classifier, and the weight of every source's votes."""

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from tasks.config import VerifyingConfig
from tasks.data.records import Row
from tasks.data.votes import FOLDS, LIKELIHOOD, TEACHER, read_votes
from tasks.models.embedding import embed
from tasks.pipeline.verification.aggregation import fit_weights, swap_labels
from tasks.pipeline.verification.out_of_fold import out_of_fold
from tasks.pipeline.verification.real_data_model import Teacher, fit_teacher
from tasks.pipeline.verification.verify import evidence_of
from tasks.taxonomy import Taxonomy

MAX_SLICE = 1_000
SLICE = 0.1
"""Share of the real rows that the teacher does not learn from; the weights are fitted on it."""
READ_BEFORE = 0.5
"""What is left of the fitted weight of the generator: it may have learnt from these rows, as the embedded one
did from GoEmotions, and is then surer about them than about new ones."""
SWAPPED = 0.25
"""Share of the slice whose labels are swapped, so that there are wrong ones to learn from."""


def fit_teacher_and_weights(
    rows: Sequence[Row],
    taxonomy: Taxonomy,
    config: VerifyingConfig,
    seed: int,
    generator_vote: Callable[[list[Row]], list[Row]] | None = None,
) -> tuple[Teacher, dict[str, float]]:
    """Fit the teacher on real rows, and the weight of every vote on a slice of them that it has not seen.

    Args:
        rows: Real training rows, never those that anything is measured on.
        taxonomy: Labels in the order of `targets`.
        config: Most rows embedded, folds, and the weights of those who do not vote on the slice.
        seed: Decides the slice and the swaps.
        generator_vote: Puts the generator's votes on rows; None where it cannot.

    Returns:
        The teacher and the weight per vote.
    """
    shuffled = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    shuffled.sort(key=lambda row: not row["labels"])  # the slice needs labels that can be swapped
    right = np.array([row["targets"] for row in shuffled]) > 0.5
    texts = [row["text"] for row in shuffled]
    cut = min(MAX_SLICE, round(SLICE * len(shuffled)))
    teacher = fit_teacher(texts[cut:], right[cut:], config.teacher_rows, seed)

    labels = swap_labels([tuple(row["labels"]) for row in shuffled[:cut]], SWAPPED, seed)
    slice_ = [cast("Row", {**row, "labels": list(own)}) for row, own in zip(shuffled, labels, strict=False)]
    given = np.array([taxonomy.targets_of(own) for own in labels]) > 0.5
    groups = [row["id"] for row in slice_]
    votes = {
        FOLDS: out_of_fold(embed(texts[:cut]), given, groups, config.folds, seed),
        TEACHER: teacher.probabilities(texts[:cut]),
    }
    if generator_vote:
        votes[LIKELIHOOD] = read_votes(generator_vote(slice_), LIKELIHOOD, taxonomy.names)
    weights = config.weights | fit_weights(evidence_of(votes), given, right[:cut])
    if generator_vote:
        weights[LIKELIHOOD] = round(READ_BEFORE * weights[LIKELIHOOD], 3)
    return teacher, weights
