"""By label, which sources of votes disagree with which."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tasks.data.arrays import Matrix
from tasks.data.data_profile import Dispute
from tasks.data.records import Row
from tasks.data.votes import (
    FOLDS,
    JUDGE,
    LIKELIHOOD,
    REQUESTED,
    TEACHER,
    read_votes,
)

NAMES = {
    REQUESTED: "prompt",
    FOLDS: "out-of-fold classifier",
    LIKELIHOOD: "generator",
    TEACHER: "teacher",
    JUDGE: "judge",
}
"""What each source is called in the report; the prompt says yes to every label that was asked for."""
NOT_CAST = np.nan


def disputes(rows: Sequence[Row], labels: Sequence[str]) -> dict[str, tuple[Dispute, ...]]:
    """Per label and pair of sources, the share of its texts on which one says yes and the other no.

    The texts of a label are those that were asked for it. A classifier says yes where the label is among its
    most probable ones, as many as the text was asked for; the generator where the label makes the text
    likelier; a judge from a probability of one half.

    Args:
        rows: Synthetic rows with their votes.
        labels: Of the taxonomy.
    """
    asked = read_votes(rows, REQUESTED, labels) > 0
    verdicts = {source: _verdicts(rows, source, labels, asked) for source in NAMES}
    return {name: tuple(_of_label(verdicts, asked[:, i], i)) for i, name in enumerate(labels)}


def _of_label(verdicts: dict[str, Matrix], own: NDArray[np.bool_], label: int) -> list[Dispute]:
    found = []
    for one, other in combinations(NAMES, 2):
        both = np.column_stack([verdicts[source][own, label] for source in (one, other)])
        both = both[~np.isnan(both).any(axis=1)]
        if len(both):
            share = float((both[:, 0] != both[:, 1]).mean())
            found.append(Dispute(one=NAMES[one], other=NAMES[other], n_texts=len(both), share=share))
    return found


def _verdicts(rows: Sequence[Row], source: str, labels: Sequence[str], asked: NDArray[np.bool_]) -> Matrix:
    """1 for yes, 0 for no, NaN where the source did not vote: (n, n_labels)."""
    votes = read_votes(rows, source, labels)
    cast = ~np.isnan(votes)
    if source in (FOLDS, TEACHER):
        rank = np.argsort(np.argsort(-np.where(cast, votes, -1.0), axis=1, kind="stable"), axis=1)
        yes = rank < asked.sum(axis=1, keepdims=True)
    else:
        yes = votes > (0.0 if source in (LIKELIHOOD, REQUESTED) else 0.5)
    found: Matrix = np.where(cast, yes.astype(float), NOT_CAST)
    return found


def taken_for(rows: Sequence[Row], labels: Sequence[str]) -> dict[str, str]:
    """Per label, the one that the out-of-fold classifier prefers most often where it disputes it; else empty.

    Texts that were asked for one label alone are counted.
    """
    votes, asked = read_votes(rows, FOLDS, labels), read_votes(rows, REQUESTED, labels) > 0
    counts: dict[str, Counter[str]] = {name: Counter() for name in labels}
    for vote, own in zip(votes, asked, strict=True):
        if own.sum() == 1 and not np.isnan(vote).all():
            best = int(np.nanargmax(vote))
            if not own[best]:
                counts[labels[int(own.argmax())]][labels[best]] += 1
    return {name: found.most_common(1)[0][0] if found else "" for name, found in counts.items()}
