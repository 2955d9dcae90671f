"""How votes stand on a row: one number per label and voter, under `label|voter`."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.data.records import Row

ASKED = "asked"
"""1 for a label that the text was conditioned on."""
FOLDS = "folds"
"""Probability, 0..1, by a classifier that learnt from the other rows."""
LIKELIHOOD = "likelihood"
"""Nats by which the text is likelier with the label in the wish than without it."""
TEACHER = "teacher"
"""Probability, 0..1, by a classifier that learnt from real rows."""
JUDGE = "judge"
"""Probability, 0..1, by an NLI model or a language model that read the text."""
BELIEF = "belief"
"""Probability, 0..1, that all votes together give the label."""


def with_votes(row: Row, voter: str, by_label: Mapping[str, float]) -> Row:
    """A copy of the row with a voter's votes, to four decimals."""
    new = {f"{label}|{voter}": round(float(vote), 4) for label, vote in by_label.items()}
    return {**row, "votes": {**row["votes"], **new}}


def cast_votes(rows: Sequence[Row], voter: str, labels: Sequence[str]) -> NDArray[np.float64]:
    """Votes of one voter, (n_rows, n_labels), NaN where it did not vote."""
    return np.array(
        [[row["votes"].get(f"{label}|{voter}", np.nan) for label in labels] for row in rows], dtype=float
    ).reshape(len(rows), len(labels))
