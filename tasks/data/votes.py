"""Votes as columns of a row: one number per label and source, under `label|source`."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.data.records import Row

REQUESTED = "requested"
"""1 for a label that the text was conditioned on."""
FOLDS = "folds"
"""Probability, 0..1, by a classifier that learnt from the other rows."""
LIKELIHOOD = "likelihood"
"""Log-likelihood ratio, in nats, of the text with and without the label in the prompt."""
TEACHER = "teacher"
"""Probability, 0..1, by a classifier that learnt from real rows."""
JUDGE = "judge"
"""Probability, 0..1, by an NLI model or a language model that read the text."""
LABEL_PROBABILITY = "label_probability"
"""Probability, 0..1, of the label after all votes."""


def with_votes(row: Row, source: str, by_label: Mapping[str, float]) -> Row:
    """A copy of the row with a source's votes, to four decimals."""
    new = {f"{label}|{source}": round(float(vote), 4) for label, vote in by_label.items()}
    return {**row, "votes": {**row["votes"], **new}}


def read_votes(rows: Sequence[Row], source: str, labels: Sequence[str]) -> NDArray[np.float64]:
    """Votes of one source, (n_rows, n_labels), NaN where it did not vote."""
    return np.array(
        [[row["votes"].get(f"{label}|{source}", np.nan) for label in labels] for row in rows], dtype=float
    ).reshape(len(rows), len(labels))
