"""From divided rows to a classifier and to what it is worth."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.config import RivalKind
from tasks.data.columns import parts_of
from tasks.data.real_rows import without_seen
from tasks.data.records import Record, Row
from tasks.data.references import BlobRef, DatasetRef, ModelRef, RivalRef
from tasks.data.scores import (
    CLASSIFIER,
    REAL,
    SYNTHETIC,
    ErrorAnalysis,
    Metrics,
    SystemResult,
)
from tasks.data.system_scores import Cost, OutOfScope, SelectiveScores
from tasks.orchestration.caching import stage
from tasks.orchestration.run import RunContext
from tasks.pipeline.decision.selective import error_bound
from tasks.pipeline.decision.thresholds import confidence
from tasks.pipeline.evaluation.comparison import compare_on_shared
from tasks.pipeline.evaluation.error_analysis import analyse_errors
from tasks.pipeline.evaluation.measure import measure
from tasks.pipeline.evaluation.predictions import Predictions, from_bytes, joined, to_bytes
from tasks.pipeline.training.classifier import load_settings
from tasks.stages.cross_validation import Fit, fit_folds
from tasks.stages.out_of_scope import measure_out_of_scope
from tasks.stages.predictions import TimedPredictions, predictions_of, timed_predictions
from tasks.stages.real_data import read_real
from tasks.stages.rivals import measure_rivals, wanted
from tasks.storage.connection import open_store
from tasks.taxonomy import Taxonomy


class Evaluation(Record):
    """Scores of the classifier and its rivals on every test set."""

    results: tuple[SystemResult, ...]
    n_seen_in_training: int
    """Real test texts that were left out because they stand in training."""
    n_folds: int = 0
    """Folds that the real texts were cross-validated in; 0 where one classifier was measured on all."""
    error_analysis: ErrorAnalysis
    predictions: BlobRef
    """What the classifier said about the test set that decides, see `Predictions`."""
    out_of_scope: OutOfScope | None = None
    """None where no such text was wanted."""


class EvaluationTests(Record):
    """Rows of each test set."""

    tests: dict[str, DatasetRef]
    n_seen_in_training: int


class MeasuredFold(Record):
    """Real rows, and what was trained without them."""

    test: DatasetRef
    model: ModelRef
    rivals: tuple[RivalRef, ...]


@stage("evaluation-tests")
def evaluation_tests_task(*, rows: DatasetRef, real_test: DatasetRef | None) -> EvaluationTests:
    """The synthetic test rows, and the human ones that stand in no training text."""
    store = open_store()
    parts = parts_of(store.get_rows(rows))
    tests = {SYNTHETIC: store.put_rows(parts["test"])} if parts["test"] else {}
    n_seen = 0
    if real_test:
        kept, n_seen = without_seen(store.get_rows(real_test), [*parts["train"], *parts["validation"]])
        tests[REAL] = store.put_rows(kept)
    return EvaluationTests(tests=tests, n_seen_in_training=n_seen)


@stage("evaluate")
def evaluate_task(
    *,
    model: ModelRef,
    rows: DatasetRef,
    tests: EvaluationTests,
    rivals: tuple[RivalRef, ...],
    folds: tuple[MeasuredFold, ...] = (),
    taxonomy: Taxonomy,
    bound_confidence: float,
    seed: int,
) -> Evaluation:
    """Measure the classifier on every test set, beside what the rivals said about it.

    With `folds`, every real text is labelled by the models that were trained without its fold.
    """
    store = open_store()
    tested = {name: store.get_rows(ref) for name, ref in tests.tests.items()}
    folder = store.get_folder(model)
    own = {name: timed_predictions(folder, part, taxonomy) for name, part in tested.items()}
    said = {CLASSIFIER: {name: found.predictions for name, found in own.items()}}
    for rival in rivals:
        said[rival.name] = {name: from_bytes(store.get_blob(ref)) for name, ref in rival.predictions.items()}
    costs = {rival.name: rival.cost for fold in folds for rival in fold.rivals}
    costs |= {rival.name: rival.cost for rival in rivals}
    if folds:
        tested[REAL] = [row for fold in folds for row in store.get_rows(fold.test)]
        own[REAL] = _out_of_fold(folds, taxonomy)
        said[CLASSIFIER][REAL] = own[REAL].predictions
        for name, predictions in _rivals_out_of_fold(folds).items():
            said.setdefault(name, {})[REAL] = predictions
    deciding = REAL if REAL in tested else SYNTHETIC
    unsure_below = load_settings(folder).get("unsure_below", 0.0)
    costs[CLASSIFIER] = own[deciding].cost
    train = parts_of(store.get_rows(rows))["train"]
    return Evaluation(
        results=tuple(_system_results(said, costs, taxonomy, seed, unsure_below, bound_confidence)),
        n_seen_in_training=tests.n_seen_in_training,
        n_folds=len(folds),
        error_analysis=analyse_errors(
            deciding, tested[deciding], said[CLASSIFIER][deciding], train, taxonomy, seed
        ),
        predictions=store.put_blob(to_bytes(said[CLASSIFIER][deciding]), ".npz"),
    )


def _out_of_fold(folds: Sequence[MeasuredFold], taxonomy: Taxonomy) -> TimedPredictions:
    """What each fold's classifier says about the fold, together; speed and size are those of the first."""
    store = open_store()
    found = [
        timed_predictions(store.get_folder(fold.model), store.get_rows(fold.test), taxonomy) for fold in folds
    ]
    return TimedPredictions(joined([each.predictions for each in found]), found[0].cost)


def _rivals_out_of_fold(folds: Sequence[MeasuredFold]) -> dict[str, Predictions]:
    """What the rivals that were trained without a fold say about it, together."""
    store = open_store()
    return {
        rival.name: joined([from_bytes(store.get_blob(fold.rivals[i].predictions[REAL])) for fold in folds])
        for i, rival in enumerate(folds[0].rivals)
    }


def _system_results(
    predictions: dict[str, dict[str, Predictions]],
    costs: dict[str, Cost],
    taxonomy: Taxonomy,
    seed: int,
    unsure_below: float,
    bound_confidence: float,
) -> Iterator[SystemResult]:
    """Scores of all that labelled the test sets, with intervals, and how far each is from the classifier."""
    pairs = [(CLASSIFIER, name) for name in predictions if name != CLASSIFIER]
    compared = {
        test_set: compare_on_shared(
            {name: [tests[test_set]] for name, tests in predictions.items() if test_set in tests},
            taxonomy,
            pairs,
            seed,
        )
        for test_set in predictions[CLASSIFIER]
    }
    for name, tests in predictions.items():
        for test_set, predicted in tests.items():
            beside = compared[test_set]
            ahead = beside.differences.get(f"{CLASSIFIER} - {name}", {})
            yield SystemResult(
                name=name,
                test_set=test_set,
                metrics=Metrics.model_validate(_measured(predicted, taxonomy)),
                intervals={score: (value.low, value.high) for score, value in beside.scores[name].items()},
                classifier_ahead={score: tuple(value) for score, value in ahead.items()},
                selective=_selective_scores(predicted, taxonomy, unsure_below, bound_confidence)
                if name == CLASSIFIER and unsure_below
                else None,
                cost=costs[name],
            )


def _selective_scores(
    predictions: Predictions, taxonomy: Taxonomy, unsure_below: float, bound_confidence: float
) -> SelectiveScores | None:
    """Scores of the texts that reach a confidence; None where none does."""
    indices = np.flatnonzero(confidence(predictions.probabilities, predictions.decided > 0) >= unsure_below)
    if not len(indices):
        return None
    kept = predictions.rows(indices)
    scores, n_wrong = _measured(kept, taxonomy), int((kept.decided != kept.true).any(axis=1).sum())
    return SelectiveScores(
        coverage=len(indices) / len(predictions.ids),
        f1_micro=scores["f1_micro"],
        f1_macro=scores["f1_macro"],
        n_kept=len(indices),
        n_wrong=n_wrong,
        error_bound=error_bound(n_wrong, len(indices), bound_confidence),
        bound_confidence=bound_confidence,
    )


def measure_model(folder: Path, rows: Sequence[Row], taxonomy: Taxonomy) -> dict[str, Any]:
    """What a saved classifier is worth on labelled rows, with the thresholds that travel with it."""
    return _measured(predictions_of(folder, rows, taxonomy), taxonomy)


def _measured(predictions: Predictions, taxonomy: Taxonomy) -> dict[str, Any]:
    levels = predictions.levels if taxonomy.ordinal else None
    said = predictions.probabilities, predictions.thresholds, predictions.targets
    return measure(*said, taxonomy, levels, predictions.none_below)


def evaluate(run: RunContext, model: ModelRef, rows: DatasetRef, fit: Fit | None = None) -> Evaluation:
    """Measure classifier and rivals on held-out synthetic text, and on real text if there is any.

    Real text that is too little to be divided is all measured on. Where the classifier was trained on it, it
    is cross-validated: for each fold a classifier is trained without the fold.

    Args:
        run: The run.
        model: Trained on `rows`.
        rows: Rows of all splits.
        fit: How the classifiers of the folds are made, if not by plain training.
    """
    evaluation, seed = run.config.evaluation, run.config.seed
    real_test = read_real(run, "test") if run.real else None
    folds = fit_folds(run, rows, real_test, fit) if real_test else ()
    tests = run.call(evaluation_tests_task, rows=rows, real_test=None if folds else real_test)
    measured = run.call(
        evaluate_task,
        model=model,
        rows=rows,
        tests=tests,
        rivals=_rivals(run, rows, tests.tests) if tests.tests else (),
        folds=tuple(
            MeasuredFold(test=fold.test, model=fold.model, rivals=_rivals(run, fold.rows, {REAL: fold.test}))
            for fold in folds
        ),
        taxonomy=run.taxonomy,
        bound_confidence=evaluation.bound_confidence,
        seed=seed,
    )
    return measured.model_copy(update={"out_of_scope": measure_out_of_scope(run, model)})


def _rivals(run: RunContext, rows: DatasetRef, tests: dict[str, DatasetRef]) -> tuple[RivalRef, ...]:
    """What the rivals that the configuration asks for say about test sets."""
    evaluation = run.config.evaluation
    return measure_rivals(
        run,
        wanted(evaluation, run.config.rivals),
        rows=rows,
        tests=tests,
        seed=run.config.seed,
        human=read_real(run, "train") if RivalKind.setfit in evaluation.rivals else None,
    )
