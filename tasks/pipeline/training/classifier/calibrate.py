"""From a trained classifier to one that can be served: calibrated, with the thresholds of its labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from accelerate import PartialState

from tasks.config import EvaluationConfig, ScrubbingConfig
from tasks.data.columns import targets_of, texts_of
from tasks.data.records import Row
from tasks.pipeline.decision.rule import fit_rule
from tasks.pipeline.decision.thresholds import confidence, decide, population_weights
from tasks.pipeline.training.classifier.model import load_classifier, predict, save_classifier
from tasks.taxonomy import Taxonomy

MIN_CALIBRATION_ROWS = 500
"""Real validation rows that choose thresholds by themselves."""


def calibrate_classifier(
    trained: Path,
    validation: Sequence[Row],
    *,
    human_texts: Sequence[str] = (),
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
        human_texts: Human-written texts without labels, see `fit_rule`.
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
    human = (
        predict(model, tokenizer, human_texts, settings["max_length"]).astype(float)
        if weights is not None and human_texts
        else None
    )
    rule = fit_rule(found, targets, weights, evaluation.min_positives, human, taxonomy.shares)
    model.calibrate(rule.slope, rule.intercept)
    calibrated = rule.calibrated(found)
    expected_f1 = confidence(calibrated, decide(calibrated, rule.thresholds))
    unsure_below = (
        np.quantile(expected_f1, evaluation.abstain, weights=weights, method="inverted_cdf")
        if evaluation.abstain
        else 0.0
    )
    chosen = {
        "thresholds": [float(t) for t in rule.thresholds],
        "unsure_below": float(unsure_below),
        "taxonomy": taxonomy.model_dump(mode="json"),
        "scrubber": scrubber,
        "scrubbing": scrubbing.model_dump(mode="json"),
        "calibration": {"slope": rule.slope.tolist(), "intercept": rule.intercept.tolist()},
        "recalibration": rule.recalibration,
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
