"""What a saved classifier says about rows."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tasks.data.columns import ids_of, targets_of, texts_of
from tasks.data.records import Row
from tasks.data.system_scores import Cost
from tasks.pipeline.evaluation.predictions import Predictions, levels_of
from tasks.pipeline.evaluation.rivals.interface import megabytes
from tasks.pipeline.training.classifier import load_classifier, predict_levels
from tasks.taxonomy import Taxonomy


class TimedPredictions(NamedTuple):
    """What a classifier says about rows, and what that took."""

    predictions: Predictions
    cost: Cost


def predictions_of(folder: Path, rows: Sequence[Row], taxonomy: Taxonomy) -> Predictions:
    """What a saved classifier says about rows; its thresholds are those that came with it."""
    return timed_predictions(folder, rows, taxonomy).predictions


def timed_predictions(folder: Path, rows: Sequence[Row], taxonomy: Taxonomy) -> TimedPredictions:
    """As `predictions_of`, with texts per second and the size of the weights."""
    model, tokenizer, settings = load_classifier(folder)
    started = time.perf_counter()
    predicted = predict_levels(model, tokenizer, texts_of(rows), settings["max_length"], "predict")
    seconds = time.perf_counter() - started
    probabilities = predicted.probabilities.astype(float)
    predictions = Predictions(
        ids=ids_of(rows),
        probabilities=probabilities,
        thresholds=np.array(settings["thresholds"]),
        targets=targets_of(rows),
        levels=levels_of(probabilities, predicted.levels, settings["recalibration"], taxonomy),
        weights=np.array([row["weight"] for row in rows], dtype=float),
        none_below=np.full(len(rows), settings.get("none_below", 0.0)),
    )
    return TimedPredictions(
        predictions, Cost(texts_per_second=len(rows) / seconds, weights_mb=megabytes(model))
    )
