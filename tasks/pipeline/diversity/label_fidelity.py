"""Whether synthetic texts carry their labels, by a judge that learnt from human-labelled text alone."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from tasks.data.arrays import Matrix
from tasks.data.records import Row
from tasks.models.embedding import embed
from tasks.taxonomy import Taxonomy

FOLDS = 5
MIN_TEXTS = 10
"""Human-labelled texts of a label from which the judge knows it."""
MANY_LABELS = 9
"""Labels from which the three most probable ones count: many labels overlap, such as joy and amusement."""


class Judged(NamedTuple):
    """What the judge says."""

    hits: NDArray[np.bool_]
    """(n_rows,) whether one of a row's own labels is among the most probable ones."""
    human: float
    """Share of hits, out of fold, on the texts that it learnt from."""
    n_human: int
    top: int
    """Most probable labels that count."""


def judge_labels(
    vectors: np.ndarray, rows: Sequence[Row], human: Sequence[Row], taxonomy: Taxonomy, seed: int
) -> Judged | None:
    """Ask a logistic regression on embeddings of human-labelled texts which label each row carries.

    Args:
        vectors: Embeddings of the rows, float (n, 384).
        rows: Synthetic rows.
        human: Human-labelled rows with one label each.
        taxonomy: Of the run.
        seed: Decides the folds.

    Returns:
        None where fewer than two labels have `MIN_TEXTS` human-labelled texts.
    """
    counts = Counter(row["labels"][0] for row in human)
    known = [row for row in human if counts[row["labels"][0]] >= MIN_TEXTS]
    labels = [row["labels"][0] for row in known]
    if len(set(labels)) < 2:
        return None
    top = 1 if taxonomy.n_labels < MANY_LABELS else 3
    model = LogisticRegression(C=4.0, class_weight="balanced", max_iter=1_000)
    theirs = embed([row["text"] for row in known], "embed human text")
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    names = sorted(set(labels))
    unseen = cross_val_predict(model, theirs, labels, cv=folds, method="predict_proba")
    said = model.fit(theirs, labels).predict_proba(vectors)
    return Judged(
        hits=_hits(said, names, [row["labels"] for row in rows], top),
        human=float(_hits(unseen, names, [[label] for label in labels], top).mean()),
        n_human=len(known),
        top=top,
    )


def _hits(
    probabilities: Matrix, names: Sequence[str], labels: Sequence[Sequence[str]], top: int
) -> NDArray[np.bool_]:
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    return np.array(
        [bool({names[i] for i in row} & set(own)) for row, own in zip(best, labels, strict=True)], dtype=bool
    )
