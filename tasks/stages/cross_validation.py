"""Human text that is too little to be divided: each fold is labelled by a classifier that never saw it."""

from collections.abc import Callable

from tasks.data.columns import texts_of
from tasks.data.reading import read_dataset
from tasks.data.reading.splits import folds_of
from tasks.data.real_rows import without_seen
from tasks.data.records import Record
from tasks.data.references import DatasetRef, ModelRef
from tasks.data.scores import REAL
from tasks.orchestration.caching import stage
from tasks.orchestration.run import RunContext
from tasks.stages.training import calibrate, train
from tasks.storage.connection import open_store

Fit = Callable[[DatasetRef], ModelRef]
"""Trains and calibrates a classifier on rows that are divided."""


class Division(Record):
    """Real rows that are measured on, and what is trained on in their place."""

    rows: DatasetRef
    """Rows of all splits without those of the fold."""
    test: DatasetRef


class Fold(Division):
    """A division, and the classifier that was trained on its rows."""

    model: ModelRef


@stage("divide-into-folds")
def folds_task(*, rows: DatasetRef, real: DatasetRef) -> tuple[Division, ...]:
    """Real rows in folds, each with all training and validation rows but those of the fold."""
    store = open_store()
    every, measured = store.get_rows(rows), store.get_rows(real)
    number = folds_of(texts_of(measured), [tuple(row["labels"]) for row in measured])
    folds = []
    for k in range(int(number.max()) + 1):
        held_out = [row for row, own in zip(measured, number, strict=True) if own == k]
        ids = {row["id"] for row in held_out}
        # By id, too: cleaning may have changed the text of the row that is trained on.
        others = [row for row in every if not (row["source"] == REAL and row["id"] in ids)]
        rest, _ = without_seen(others, held_out)
        folds.append(Division(rows=store.put_rows(rest), test=store.put_rows(held_out)))
    return tuple(folds)


def fit_folds(
    run: RunContext, rows: DatasetRef, real: DatasetRef, fit: Fit | None = None
) -> tuple[Fold, ...]:
    """A classifier for each fold of the real rows; none where they can be divided, or none was trained on.

    Args:
        run: The run.
        rows: Rows of all splits.
        real: Real rows that are measured on.
        fit: How the classifiers are made, if not by plain training.
    """
    if not (run.config.mixing.real_fraction and is_cross_validated(run)):
        return ()
    fit = fit or (lambda part: calibrate(run, train(run, part), part))
    divided = run.call(folds_task, rows=rows, real=real)
    return tuple(Fold(rows=each.rows, test=each.test, model=fit(each.rows)) for each in divided)


def is_cross_validated(run: RunContext) -> bool:
    """Whether the real data is too small to be divided."""
    return run.real is not None and read_dataset(run.real.source).is_cross_validated
