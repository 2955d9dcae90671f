"""From divided rows to a classifier and to what it is worth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.caching import digest, stage
from tasks.config import EvaluationConfig, ScrubbingConfig, TrainingConfig
from tasks.evaluation.arms import baseline_arms
from tasks.evaluation.measuring import measure
from tasks.evaluation.thresholds import population_weights, tune_thresholds
from tasks.realrows import without_seen
from tasks.records import DatasetRef, ModelRef, Record, Row
from tasks.reporting.scores import CLASSIFIER, REAL, SYNTHETIC, Arm
from tasks.runpage import Progress
from tasks.scrubbing import SCRUBBER_VERSION
from tasks.store import open_store, remove_scratch
from tasks.taxonomy import Taxonomy
from tasks.training import load_classifier, predict, save_classifier, train_classifier


class Evaluation(Record):
    """Scores of the classifier and the baselines on every test set."""

    arms: tuple[Arm, ...]
    n_seen_in_training: int
    """Real test texts that were left out because they stand in training."""


@stage("train", version="1", outside=True)
def train(
    rows: DatasetRef,
    taxonomy: Taxonomy,
    config: TrainingConfig,
    evaluation: EvaluationConfig,
    scrubbing: ScrubbingConfig,
    seed: int,
) -> ModelRef:
    """Fine-tune the classifier; thresholds are chosen on validation and travel with it."""
    store = open_store()
    parts = _parts(store.get_rows(rows))
    scratch = store.scratch(f"train-{digest(rows, taxonomy, config, evaluation, scrubbing, seed)}")
    progress = Progress("train")
    model, tokenizer, state = train_classifier(
        parts["train"],
        parts["validation"],
        taxonomy.names,
        config,
        seed,
        scratch,
        progress,
    )
    progress(1.0)
    targets = _targets(parts["validation"])
    found = predict(model, tokenizer, _texts(parts["validation"]), config.max_tokens)
    thresholds = tune_thresholds(
        found.astype(float),
        targets,
        evaluation.min_positives,
        _weights(parts["validation"], taxonomy),
    )
    settings = {
        "labels": list(taxonomy.names),
        "thresholds": [float(t) for t in thresholds],
        "taxonomy": taxonomy.model_dump(mode="json"),
        "scrubber": SCRUBBER_VERSION,
        "scrubbing": scrubbing.model_dump(mode="json"),
        "max_tokens": config.max_tokens,
        "base": config.base,
        "history": state.history,
    }
    save_classifier(model, tokenizer, settings, scratch / "model")
    ref = store.put_folder(scratch / "model")
    remove_scratch(scratch)
    return ref


@stage("evaluate")
def evaluate(
    model: ModelRef,
    rows: DatasetRef,
    real_test: DatasetRef | None,
    taxonomy: Taxonomy,
    config: EvaluationConfig,
    seed: int,
) -> Evaluation:
    """Measure the classifier and two baselines on every test set, with the same threshold rule."""
    store = open_store()
    parts = _parts(store.get_rows(rows))
    tests = {SYNTHETIC: parts["test"]} if parts["test"] else {}
    n_seen = 0
    if real_test:
        tests[REAL], n_seen = without_seen(store.get_rows(real_test), [*parts["train"], *parts["validation"]])
    labelled = {name: (_texts(part), _targets(part)) for name, part in tests.items()}
    train, validation = ((_texts(parts[p]), _targets(parts[p])) for p in ("train", "validation"))
    weights, fewest = _weights(parts["validation"], taxonomy), config.min_positives
    scores = [
        *_classifier_arms(store.get_folder(model), labelled, taxonomy),
        *baseline_arms(train, validation, labelled, taxonomy, seed, fewest, weights),
    ]
    return Evaluation(arms=tuple(Arm.model_validate(score) for score in scores), n_seen_in_training=n_seen)


def measure_model(folder: Path, rows: Sequence[Row], taxonomy: Taxonomy) -> dict[str, Any]:
    """What a saved classifier is worth on labelled rows, with the thresholds that travel with it."""
    (score,) = _classifier_arms(folder, {"": (_texts(rows), _targets(rows))}, taxonomy)
    metrics: dict[str, Any] = score["metrics"]
    return metrics


def _classifier_arms(
    folder: Path, tests: dict[str, tuple[list[str], np.ndarray]], taxonomy: Taxonomy
) -> list[dict[str, Any]]:
    model, tokenizer, settings = load_classifier(folder)
    thresholds = np.array(settings["thresholds"])
    return [
        {
            "name": CLASSIFIER,
            "test_set": name,
            "metrics": measure(
                predict(model, tokenizer, texts, settings["max_tokens"]).astype(float),
                thresholds,
                targets,
                taxonomy,
            ),
        }
        for name, (texts, targets) in tests.items()
    ]


def _parts(rows: Sequence[Row]) -> dict[str, list[Row]]:
    return {part: [row for row in rows if row["split"] == part] for part in ("train", "validation", "test")}


def _texts(rows: Sequence[Row]) -> list[str]:
    return [row["text"] for row in rows]


def _targets(rows: Sequence[Row]) -> np.ndarray:
    """Targets to measure by, (n_rows, n_labels): 0 or 1 even where training gets beliefs, -1 for unknown."""
    targets = np.array([row["targets"] for row in rows], dtype=float)
    return np.where(targets < 0, targets, targets >= 0.5)


def _weights(validation: Sequence[Row], taxonomy: Taxonomy) -> np.ndarray | None:
    """Weights that give validation the label shares of the world; real rows have them already."""
    if taxonomy.shares is None or any(row["source"] == "real" for row in validation):
        return None
    return population_weights(_targets(validation), taxonomy.shares)
