"""From divided rows to a classifier and to what it is worth."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.config import EvaluationConfig
from tasks.data.columns import ids_of, parts_of, targets_of, texts_of
from tasks.data.real_rows import without_seen
from tasks.data.records import Record, Row
from tasks.data.references import BlobRef, DatasetRef, ModelRef
from tasks.data.scores import (
    CLASSIFIER,
    REAL,
    SYNTHETIC,
    ErrorAnalysis,
    Metrics,
    SelectiveScores,
    SystemResult,
)
from tasks.orchestration.caching import stage
from tasks.orchestration.run import RunContext
from tasks.pipeline.decision.thresholds import confidence
from tasks.pipeline.evaluation.baselines import baseline_predictions
from tasks.pipeline.evaluation.comparison import compare
from tasks.pipeline.evaluation.error_analysis import analyse_errors
from tasks.pipeline.evaluation.measure import measure
from tasks.pipeline.evaluation.predictions import Predictions, joined, levels_of, to_bytes
from tasks.pipeline.training.classifier import load_classifier, load_settings, predict_levels
from tasks.pipeline.training.classifier.calibrate import calibration_rows
from tasks.stages.cross_validation import Fit, Fold, fit_folds
from tasks.stages.real_data import read_real
from tasks.storage.connection import open_store
from tasks.taxonomy import Taxonomy


class Evaluation(Record):
    """Scores of the classifier and the baselines on every test set."""

    results: tuple[SystemResult, ...]
    n_seen_in_training: int
    """Real test texts that were left out because they stand in training."""
    n_folds: int = 0
    """Folds that the real texts were cross-validated in; 0 where one classifier was measured on all."""
    error_analysis: ErrorAnalysis
    predictions: BlobRef
    """What the classifier said about the test set that decides, see `Predictions`."""


@stage("evaluate")
def evaluate_task(
    *,
    model: ModelRef,
    rows: DatasetRef,
    real_test: DatasetRef | None,
    folds: tuple[Fold, ...] = (),
    taxonomy: Taxonomy,
    evaluation: EvaluationConfig,
    seed: int,
) -> Evaluation:
    """Measure the classifier and two baselines on every test set, with the same threshold rule.

    With `folds`, every real text is labelled by the model that was trained without its fold.
    """
    store = open_store()
    parts = parts_of(store.get_rows(rows))
    folder = store.get_folder(model)
    tests = {SYNTHETIC: parts["test"]} if parts["test"] else {}
    n_seen = 0
    if real_test and not folds:
        tests[REAL], n_seen = without_seen(store.get_rows(real_test), [*parts["train"], *parts["validation"]])
    found = _said(folder, parts, tests, taxonomy, evaluation, seed) if tests else {}
    if folds:
        tests[REAL] = [row for fold in folds for row in store.get_rows(fold.test)]
        each = [_said_out_of_fold(fold, taxonomy, evaluation, seed) for fold in folds]
        found = {
            name: {**found.get(name, {}), REAL: joined([said[name][REAL] for said in each])}
            for name in each[0]
        }
    deciding = REAL if REAL in tests else SYNTHETIC
    own = found[CLASSIFIER][deciding]
    return Evaluation(
        results=tuple(_system_results(found, taxonomy, seed, load_settings(folder).get("unsure_below", 0.0))),
        n_seen_in_training=n_seen,
        n_folds=len(folds),
        error_analysis=analyse_errors(deciding, tests[deciding], own, parts["train"], taxonomy, seed),
        predictions=store.put_blob(to_bytes(own), ".npz"),
    )


def _said(
    folder: Path,
    parts: dict[str, list[Row]],
    tests: dict[str, list[Row]],
    taxonomy: Taxonomy,
    evaluation: EvaluationConfig,
    seed: int,
) -> dict[str, dict[str, Predictions]]:
    """What the classifier, and the baselines on its training rows, say about test sets."""
    labelled = {name: (texts_of(part), targets_of(part)) for name, part in tests.items()}
    calibration_set, weights = calibration_rows(parts["validation"], taxonomy)
    train, validation = ((texts_of(rows), targets_of(rows)) for rows in (parts["train"], calibration_set))
    baselines = baseline_predictions(
        train, validation, labelled, taxonomy, seed, evaluation.min_positives, weights
    )
    return {
        CLASSIFIER: {name: predictions_of(folder, part, taxonomy) for name, part in tests.items()},
        **baselines,
    }


def _said_out_of_fold(
    fold: Fold, taxonomy: Taxonomy, evaluation: EvaluationConfig, seed: int
) -> dict[str, dict[str, Predictions]]:
    store = open_store()
    parts, tests = parts_of(store.get_rows(fold.rows)), {REAL: store.get_rows(fold.test)}
    return _said(store.get_folder(fold.model), parts, tests, taxonomy, evaluation, seed)


def _system_results(
    predictions: dict[str, dict[str, Predictions]], taxonomy: Taxonomy, seed: int, unsure_below: float
) -> Iterator[SystemResult]:
    """Scores of all that labelled the test sets, with intervals, and how far each is from the classifier."""
    pairs = [(CLASSIFIER, name) for name in predictions if name != CLASSIFIER]
    compared = {
        test_set: compare(
            {name: [tests[test_set]] for name, tests in predictions.items()}, taxonomy, pairs, seed
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
                selective=_selective_scores(predicted, taxonomy, unsure_below)
                if name == CLASSIFIER and unsure_below
                else None,
            )


def _selective_scores(
    predictions: Predictions, taxonomy: Taxonomy, unsure_below: float
) -> SelectiveScores | None:
    """Scores of the texts that reach a confidence; None where none does."""
    indices = np.flatnonzero(confidence(predictions.probabilities, predictions.decided > 0) >= unsure_below)
    if not len(indices):
        return None
    scores = _measured(predictions.rows(indices), taxonomy)
    coverage = len(indices) / len(predictions.ids)
    return SelectiveScores(coverage=coverage, f1_micro=scores["f1_micro"], f1_macro=scores["f1_macro"])


def measure_model(folder: Path, rows: Sequence[Row], taxonomy: Taxonomy) -> dict[str, Any]:
    """What a saved classifier is worth on labelled rows, with the thresholds that travel with it."""
    return _measured(predictions_of(folder, rows, taxonomy), taxonomy)


def predictions_of(folder: Path, rows: Sequence[Row], taxonomy: Taxonomy) -> Predictions:
    """What a saved classifier says about rows; its thresholds are those that came with it."""
    model, tokenizer, settings = load_classifier(folder)
    predicted = predict_levels(model, tokenizer, texts_of(rows), settings["max_length"], "predict")
    predictions = predicted.probabilities.astype(float)
    return Predictions(
        ids=ids_of(rows),
        probabilities=predictions,
        thresholds=np.array(settings["thresholds"]),
        targets=targets_of(rows),
        levels=levels_of(predictions, predicted.levels, settings["recalibration"], taxonomy),
        weights=np.array([row["weight"] for row in rows], dtype=float),
    )


def _measured(predictions: Predictions, taxonomy: Taxonomy) -> dict[str, Any]:
    levels = predictions.levels if taxonomy.ordinal else None
    return measure(predictions.probabilities, predictions.thresholds, predictions.targets, taxonomy, levels)


def evaluate(run: RunContext, model: ModelRef, rows: DatasetRef, fit: Fit | None = None) -> Evaluation:
    """Measure classifier and baselines on held-out synthetic text, and on real text if there is any.

    Real text that is too little to be divided is all measured on. Where the classifier was trained on it, it
    is cross-validated: for each fold a classifier is trained without the fold.

    Args:
        run: The run.
        model: Trained on `rows`.
        rows: Rows of all splits.
        fit: How the classifiers of the folds are made, if not by plain training.
    """
    real_test = read_real(run, "test") if run.real else None
    folds = fit_folds(run, rows, real_test, fit) if real_test else ()
    return run.call(
        evaluate_task,
        model=model,
        rows=rows,
        real_test=real_test,
        folds=folds,
        taxonomy=run.taxonomy,
        evaluation=run.config.evaluation,
        seed=run.config.seed,
    )
