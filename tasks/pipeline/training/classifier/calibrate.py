"""From a trained classifier to one that can be served: calibrated, with the thresholds of its labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from accelerate import PartialState

from tasks.config import EvaluationConfig, ScrubbingConfig
from tasks.data.arrays import Matrix
from tasks.data.columns import targets_of, texts_of
from tasks.data.records import Row
from tasks.pipeline.decision.rule import fit_rule
from tasks.pipeline.decision.thresholds import confidence, decide, fit_none_below, population_weights
from tasks.pipeline.training.classifier.model import load_classifier, predict, save_classifier
from tasks.taxonomy import Taxonomy

MIN_CALIBRATION_ROWS = 500
"""Real validation rows that choose thresholds by themselves."""
MIN_UNLABELLED = 0.01
"""Share of training rows without a label from which the classifier may answer with none."""
LEFT_OUT = 0.02
"""Share of the validation texts with a label that may so lose it."""


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
    none_below = (
        _none_below(calibrated, rule.thresholds, targets, weights)
        if settings.get("unlabelled_share", 0.0) >= MIN_UNLABELLED and (targets >= 0.5).any()
        else 0.0
    )
    expected_f1 = confidence(calibrated, decide(calibrated, rule.thresholds, none_below))
    unsure_below = (
        np.quantile(expected_f1, evaluation.abstain, weights=weights, method="inverted_cdf")
        if evaluation.abstain
        else 0.0
    )
    chosen = {
        "thresholds": [float(t) for t in rule.thresholds],
        "none_below": none_below,
        "unsure_below": float(unsure_below),
        "taxonomy": taxonomy.model_dump(mode="json"),
        "scrubber": scrubber,
        "scrubbing": scrubbing.model_dump(mode="json"),
        "calibration": {"slope": rule.slope.tolist(), "intercept": rule.intercept.tolist()},
        "recalibration": rule.recalibration,
    }
    save_classifier(model, tokenizer, {**settings, **chosen}, folder)


def _none_below(calibrated: Matrix, thresholds: Matrix, targets: Matrix, weights: Matrix | None) -> float:
    labelled = (targets >= 0.5).any(axis=1)
    return fit_none_below(
        calibrated[labelled],
        thresholds,
        LEFT_OUT,
        None if weights is None else weights[labelled],
    )


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
