"""From divided rows to a classifier that can be served: trained, calibrated, with its thresholds.

Plain code, which `accelerate launch` runs in as many processes as there are GPUs, on as many machines:

    accelerate launch --num_processes 4 -m tasks.cli.train results/runs/RUN build/again

trains the classifier of a finished run anew, on the rows and with the knobs of the run, and leaves it in
`build/again/model`. All machines must reach both folders. n processes take n batches per step.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from accelerate import PartialState

from tasks.config import EvaluationConfig, ScrubbingConfig, TrainingConfig
from tasks.data.columns import parts_of, targets_of, texts_of
from tasks.data.records import Row
from tasks.pipeline.decision.calibration import calibrated, platt_scaling
from tasks.pipeline.decision.ordinal_levels import fit_line
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

ENOUGH_JUDGES = 500
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
        pairing: Weight of the pairing loss of counterfactual twins among the rows.
        scrubber: Version of the scrubber; travels with the model.
    """
    parts = parts_of(rows)
    model, tokenizer, state = train_classifier(
        parts["train"], parts["validation"], taxonomy.names, config, seed, scratch, on_progress, pairing
    )
    judges, weights = judges_of(parts["validation"], taxonomy)
    found = predict(model, tokenizer, texts_of(judges), config.max_tokens).astype(float)
    slope, intercept = platt_scaling(found, targets_of(judges), weights)
    model.calibrate(slope, intercept)
    mended = calibrated(found, slope, intercept)
    thresholds = choose_thresholds(mended, targets_of(judges), evaluation.min_positives, weights)
    promised = confidence(mended, decide(mended, thresholds))
    unsure_below = (
        np.quantile(promised, evaluation.abstain, weights=weights, method="inverted_cdf")
        if evaluation.abstain
        else 0.0
    )
    max_tokens = min(config.max_tokens, room_of(model, tokenizer))
    learnt_from = texts_of([*parts["train"], *parts["validation"]])
    travelling = {
        "labels": list(taxonomy.names),
        "thresholds": [float(t) for t in thresholds],
        "unsure_below": float(unsure_below),
        "taxonomy": taxonomy.model_dump(mode="json"),
        "scrubber": scrubber,
        "scrubbing": scrubbing.model_dump(mode="json"),
        "max_tokens": max_tokens,
        "one_class": of_one_class(targets_of(parts["validation"])),
        "n_cut": count_cut(tokenizer, learnt_from, max_tokens),
        "base": config.base,
        "ordinal": config.ordinal,
        "calibration": {"slope": slope.tolist(), "intercept": intercept.tolist()},
        "line": fit_line(mended, targets_of(judges), weights),
        "history": state.history,
    }
    if PartialState().is_main_process:
        save_classifier(model, tokenizer, travelling, scratch / "model")
    return scratch / "model"


def judges_of(validation: Sequence[Row], taxonomy: Taxonomy) -> tuple[list[Row], np.ndarray | None]:
    """Rows that choose calibration and thresholds, and how many texts of the world each stands for.

    Real rows alone, if there are enough: their label shares are the world's. Otherwise all rows, weighed
    to the shares that the taxonomy states.
    """
    people = [row for row in validation if row["source"] == "real"]
    if len(people) >= ENOUGH_JUDGES or len(people) == len(validation):
        return people, None
    if taxonomy.shares is None:
        return list(validation), None
    return list(validation), population_weights(targets_of(validation), taxonomy.shares)
