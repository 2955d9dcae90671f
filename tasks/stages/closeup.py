"""A closer look at a classifier: its errors beside the training rows nearest to them."""

from collections.abc import Sequence

from tasks.embedding import embed
from tasks.evaluation.closeup import (
    calibration_bins,
    candidates,
    nearest,
    precision_at_recall,
    worst_errors,
)
from tasks.evaluation.protocol import Predictions
from tasks.records import Row
from tasks.reporting.scores import CloseUp, Mistake, Neighbour
from tasks.taxonomy import Taxonomy

MOST_CANDIDATES, N_NEIGHBOURS = 1_000, 2


def close_up(
    test_set: str, rows: Sequence[Row], said: Predictions, train: Sequence[Row], taxonomy: Taxonomy, seed: int
) -> CloseUp:
    """Curves, calibration and confident errors, each error beside the training rows nearest to it."""
    errors = worst_errors(said.probabilities, said.decided > 0.5, said.targets)
    return CloseUp(
        test_set=test_set,
        curves={
            name: tuple(precision_at_recall(said.probabilities[:, i], said.targets[:, i]))
            for i, name in enumerate(taxonomy.names)
        },
        calibration=tuple(calibration_bins(said.probabilities, said.targets)),
        mistakes=tuple(
            Mistake(
                text=rows[i]["text"],
                label=taxonomy.names[label],
                probability=float(said.probabilities[i, label]),
                true_labels=tuple(rows[i]["labels"]),
                neighbours=_neighbours(rows[i]["text"], _said_label(said, i, label), train, seed),
            )
            for i, label in errors
        ),
    )


def _said_label(said: Predictions, i: int, label: int) -> int:
    """The label that the classifier put in the place of the truth."""
    return label if said.decided[i, label] else int(said.probabilities[i].argmax())


def _neighbours(text: str, label: int, train: Sequence[Row], seed: int) -> tuple[Neighbour, ...]:
    # Synthetic rows were embedded when they were verified; of real ones a sample is enough.
    near = candidates([row["targets"] for row in train], label, MOST_CANDIDATES, seed)
    (order,) = nearest(embed([text]), embed([train[i]["text"] for i in near]), N_NEIGHBOURS)
    chosen = [train[near[i]] for i in order]
    return tuple(
        Neighbour(text=row["text"], labels=tuple(row["labels"]), source=row["source"], prompt=row["prompt"])
        for row in chosen
    )
