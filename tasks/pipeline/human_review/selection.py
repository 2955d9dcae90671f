"""Which rows are worth a person's look, and which unlabelled texts to label first."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
from scipy.special import expit

from tasks.data.arrays import Matrix
from tasks.data.human_review import ReviewItem
from tasks.data.records import UNLABELLED, Row
from tasks.data.votes import FOLDS, JUDGE, LABEL_PROBABILITY, LIKELIHOOD, TEACHER, read_votes
from tasks.taxonomy import Taxonomy

DISAGREE = "votes disagree"
UNSURE = "unsure"
RARE = "rare label"
TO_LABEL = "to label first"
SYNTHETIC, HUMAN = "synthetic", "human"


def rows_to_review(
    rows: Sequence[Row], disputed: Sequence[Row], taxonomy: Taxonomy, run: str, n: int
) -> list[ReviewItem]:
    """Rows worth a look, in turn from three orders: votes disagree, unsure, rare label.

    - votes disagree: the sources are furthest apart about one label.
    - unsure: the probability of a label after all votes is nearest to one half.
    - rare label: the rarest label of the row has the fewest rows.

    Args:
        rows: Rows of the data set; those that people labelled are left out.
        disputed: Rows that were dropped because no label was probable; the votes gave them none.
        taxonomy: Labels of the rows.
        run: Name of the run.
        n: Rows at most.
    """
    kept = [row for row in rows if row["source"] in (SYNTHETIC, UNLABELLED)]
    gone = {row["id"] for row in disputed}
    every = [*kept, *disputed]
    counts = Counter(label for row in kept for label in row["labels"])
    orders = {
        DISAGREE: _highest(every, _spread(every, taxonomy)),
        UNSURE: _highest(every, _doubt(every, taxonomy)),
        RARE: iter(sorted(kept, key=lambda row: min((counts[name] for name in row["labels"]), default=0))),
    }
    return [
        ReviewItem(
            id=f"{run}/{row['id']}",
            text=row["text"],
            labels=() if row["id"] in gone else tuple(row["labels"]),
            unknown=() if row["id"] in gone else _unknown(row, taxonomy),
            why=why,
            source=SYNTHETIC if row["source"] == SYNTHETIC else HUMAN,
        )
        for why, row in islice(_in_turn(orders), n)
    ]


def _spread(rows: Sequence[Row], taxonomy: Taxonomy) -> Matrix:
    """Largest distance between two sources about one label of each row, 0..1; 0 where one alone voted."""
    votes = {name: read_votes(rows, name, taxonomy.names) for name in (FOLDS, LIKELIHOOD, TEACHER, JUDGE)}
    votes[LIKELIHOOD] = expit(votes[LIKELIHOOD])  # a log-likelihood ratio, at even odds
    found = np.stack(list(votes.values()))
    high, low = (np.where(np.isnan(found), missing, found) for missing in (-1.0, 2.0))
    spread: Matrix = np.maximum(high.max(axis=0) - low.min(axis=0), 0.0).max(axis=1, initial=0.0)
    return spread


def _doubt(rows: Sequence[Row], taxonomy: Taxonomy) -> Matrix:
    """1 where the probability of some label is one half, 0 where all are 0 or 1, or nothing voted."""
    found = read_votes(rows, LABEL_PROBABILITY, taxonomy.names)
    doubt: Matrix = np.nan_to_num(1 - 2 * np.abs(found - 0.5)).max(axis=1, initial=0.0)
    return doubt


def _highest(rows: Sequence[Row], values: Matrix) -> Iterator[Row]:
    """Rows with a value above 0, highest first."""
    return (rows[i] for i in np.argsort(-values, kind="stable").tolist() if values[i] > 0)


def _unknown(row: Row, taxonomy: Taxonomy) -> tuple[str, ...]:
    return tuple(name for name, target in zip(taxonomy.names, row["targets"], strict=True) if target < 0)


def _in_turn(orders: dict[str, Iterator[Row]]) -> Iterator[tuple[str, Row]]:
    """Rows of all orders, one of each in turn; a row comes once."""
    seen = set[str]()
    while orders:
        for why, order in list(orders.items()):
            row = next((row for row in order if row["id"] not in seen), None)
            if row is None:
                del orders[why]
            else:
                seen.add(row["id"])
                yield why, row


def texts_to_label(
    texts: Sequence[str],
    labels: Sequence[tuple[str, ...]],
    confidence: Matrix,
    id_of: Callable[[str], str],
    n: int,
) -> list[ReviewItem]:
    """Unlabelled texts to label first: the least confident of each predicted label, rare labels first.

    Uncertainty alone would fill a review with one confusing label (Settles 2009, "Active Learning
    Literature Survey", section 2.1, on its blindness to the distribution); so labels take turns.

    Args:
        texts: Texts of a user; one that stands twice is asked once.
        labels: What the classifier gave each.
        confidence: (n_texts,), 0..1.
        id_of: Id of a text.
        n: Texts at most.
    """
    counts = Counter(name for given in labels for name in given)
    queues: dict[str, list[int]] = {name: [] for name, _ in reversed(counts.most_common())}
    seen = set[str]()
    for i in np.argsort(confidence, kind="stable").tolist():
        if texts[i] not in seen:
            seen.add(texts[i])
            queues[min(labels[i], key=lambda name: counts[name])].append(i)
    order = (queue[k] for k in range(len(texts)) for queue in queues.values() if k < len(queue))
    return [
        ReviewItem(id=id_of(texts[i]), text=texts[i], labels=labels[i], why=TO_LABEL, source=HUMAN)
        for i in islice(order, n)
    ]
