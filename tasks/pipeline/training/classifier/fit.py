"""From divided rows to a classifier that can be served: trained, calibrated, with its thresholds.

Plain code, which `accelerate launch` runs in as many processes as there are GPUs, on as many machines:

    accelerate launch --num_processes 4 -m tasks.cli train results/runs/RUN build/again

trains the classifier of a finished run again, on the rows and with the options of the run, and leaves it in
`build/again/model`. All machines must reach both folders. n processes take n batches per step.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from accelerate import PartialState

from tasks.config import EvaluationConfig, ScrubbingConfig, TrainingConfig
from tasks.data.columns import parts_of, targets_of, texts_of
from tasks.data.records import Row
from tasks.pipeline.decision.calibration import apply_platt, platt_scaling
from tasks.pipeline.decision.ordinal_levels import fit_recalibration
from tasks.pipeline.decision.thresholds import choose_thresholds, confidence, decide, population_weights
from tasks.pipeline.training.classifier import (
    count_cut,
    of_one_class,
    predict,
    room_of,
    save_classifier,
    train_classifier,
)
from tasks.taxonomy import Taxonomy

MIN_CALIBRATION_ROWS = 500
"""Real validation rows that choose thresholds by themselves."""


def fit_classifier(
    rows: Sequence[Row],
    taxonomy: Taxonomy,
    config: TrainingConfig,
    evaluation: EvaluationConfig,
    scrubbing: ScrubbingConfig,
    seed: int,
    scratch: Path,
    on_progress: Callable[[float], None] | None = None,
    pairing: float = 0.0,
    *,
    scrubber: str,
) -> Path:
    """Folder of a trained, calibrated classifier with its thresholds and line; no test row is looked at.

    Args:
        rows: Rows of all parts; training and validation rows are used.
        taxonomy: Its labels.
        config: How to train.
        evaluation: How thresholds are chosen.
        scrubbing: How the texts were scrubbed; travels with the model.
        seed: See `train_classifier`.
        scratch: Checkpoints go here, the model into `model` in it.
        on_progress: Called with the share done, 0..1.
        pairing: Weight of the pairing loss of counterfactual counterfactual pairs among the rows.
        scrubber: Version of the scrubber; travels with the model.
    """
    parts = parts_of(rows)
    model, tokenizer, state = train_classifier(
        parts["train"], parts["validation"], taxonomy.names, config, seed, scratch, on_progress, pairing
    )
    calibration_set, weights = calibration_rows(parts["validation"], taxonomy)
    found = predict(model, tokenizer, texts_of(calibration_set), config.max_length).astype(float)
    slope, intercept = platt_scaling(found, targets_of(calibration_set), weights)
    model.calibrate(slope, intercept)
    calibrated = apply_platt(found, slope, intercept)
    thresholds = choose_thresholds(calibrated, targets_of(calibration_set), evaluation.min_positives, weights)
    expected_f1 = confidence(calibrated, decide(calibrated, thresholds))
    unsure_below = (
        np.quantile(expected_f1, evaluation.abstain, weights=weights, method="inverted_cdf")
        if evaluation.abstain
        else 0.0
    )
    max_length = min(config.max_length, room_of(model, tokenizer))
    training_texts = texts_of([*parts["train"], *parts["validation"]])
    settings = {
        "labels": list(taxonomy.names),
        "thresholds": [float(t) for t in thresholds],
        "unsure_below": float(unsure_below),
        "taxonomy": taxonomy.model_dump(mode="json"),
        "scrubber": scrubber,
        "scrubbing": scrubbing.model_dump(mode="json"),
        "max_length": max_length,
        "one_class": of_one_class(targets_of(parts["validation"])),
        "n_cut": count_cut(tokenizer, training_texts, max_length),
        "base": config.base,
        "ordinal": config.ordinal,
        "calibration": {"slope": slope.tolist(), "intercept": intercept.tolist()},
        "recalibration": fit_recalibration(calibrated, targets_of(calibration_set), weights),
        "history": state.history,
    }
    if PartialState().is_main_process:
        save_classifier(model, tokenizer, settings, scratch / "model")
    return scratch / "model"


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
