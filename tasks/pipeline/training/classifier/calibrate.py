"""From a trained classifier to one that can be served: calibrated, with the thresholds of its labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from accelerate import PartialState

from tasks.config import EvaluationConfig, ScrubbingConfig
from tasks.data.columns import targets_of, texts_of
from tasks.data.records import Row
from tasks.pipeline.decision.calibration import apply_platt, platt_scaling
from tasks.pipeline.decision.ordinal_levels import fit_recalibration
from tasks.pipeline.decision.thresholds import choose_thresholds, confidence, decide, population_weights
from tasks.pipeline.training.classifier.model import load_classifier, predict, save_classifier
from tasks.taxonomy import Taxonomy

MIN_CALIBRATION_ROWS = 500
"""Real validation rows that choose thresholds by themselves."""


def calibrate_classifier(
    trained: Path,
    validation: Sequence[Row],
    *,
    taxonomy: Taxonomy,
    evaluation: EvaluationConfig,
    scrubbing: ScrubbingConfig,
    scrubber: str,
    folder: Path,
) -> None:
    """Fit calibration, thresholds and recalibration on validation rows, and save the whole classifier.

    Args:
        trained: Folder that `fit_classifier` wrote.
        validation: Validation rows.
        taxonomy: Labels that the classifier was trained on.
        evaluation: How thresholds are chosen, and how many texts it may abstain from.
        scrubbing: How the texts were scrubbed; travels with the model.
        scrubber: Version of the scrubber; travels with the model.
        folder: Where the finished classifier goes.
    """
    model, tokenizer, settings = load_classifier(trained)
    model.to(PartialState().device)
    rows, weights = calibration_rows(validation, taxonomy)
    targets = targets_of(rows)
    found = predict(model, tokenizer, texts_of(rows), settings["max_length"]).astype(float)
    slope, intercept = platt_scaling(found, targets, weights)
    model.calibrate(slope, intercept)
    calibrated = apply_platt(found, slope, intercept)
    thresholds = choose_thresholds(calibrated, targets, evaluation.min_positives, weights)
    expected_f1 = confidence(calibrated, decide(calibrated, thresholds))
    unsure_below = (
        np.quantile(expected_f1, evaluation.abstain, weights=weights, method="inverted_cdf")
        if evaluation.abstain
        else 0.0
    )
    chosen = {
        "thresholds": [float(t) for t in thresholds],
        "unsure_below": float(unsure_below),
        "taxonomy": taxonomy.model_dump(mode="json"),
        "scrubber": scrubber,
        "scrubbing": scrubbing.model_dump(mode="json"),
        "calibration": {"slope": slope.tolist(), "intercept": intercept.tolist()},
        "recalibration": fit_recalibration(calibrated, targets, weights),
    }
    save_classifier(model, tokenizer, {**settings, **chosen}, folder)


def calibration_rows(validation: Sequence[Row], taxonomy: Taxonomy) -> tuple[list[Row], np.ndarray | None]:
    """Rows that choose calibration and thresholds, and how many texts of the world each stands for.

    Real rows alone, if there are enough: their label shares are the world's. Otherwise all rows, weighed
    to the shares that the taxonomy states.
    """
    real = [row for row in validation if row["source"] == "real"]
    if len(real) >= MIN_CALIBRATION_ROWS or len(real) == len(validation):
        return real, None
    if taxonomy.shares is None:
        return list(validation), None
    return list(validation), population_weights(targets_of(validation), taxonomy.shares)
