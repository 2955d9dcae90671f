"""The data-mix ablation: train, measure and compare every arm on every seed, and write the results."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from tasks.config import AblationConfig, TrainingConfig
from tasks.data.arrays import Matrix
from tasks.data.references import BlobRef, DatasetRef, ModelRef
from tasks.data.scores import REAL
from tasks.data.summaries import AblationSummary
from tasks.data.system_scores import Cost
from tasks.orchestration import artifacts
from tasks.orchestration.run import RunContext, open_run
from tasks.pipeline.evaluation.ablation_arms import arms, possible, rarest
from tasks.pipeline.evaluation.ablation_tables import caution, pairs_of, rivals_of, table_of, title_of
from tasks.pipeline.evaluation.bootstrap import (
    Estimate,
    Score,
    interval,
    label_f1,
    resample_counts,
    resampled_scores,
)
from tasks.pipeline.evaluation.comparison import Comparison, common_labels, compare_on_shared, rare_f1
from tasks.pipeline.evaluation.predictions import Predictions, from_bytes
from tasks.pipeline.reporting import render_ablation
from tasks.pipeline.reporting.provenance import now, versions
from tasks.pipeline.training.classifier.initial_weights import head_meanings
from tasks.stages.ablation_tasks import (
    ablation_rare_task,
    ablation_rows_task,
    ablation_test_task,
    predict_test_task,
)
from tasks.stages.real_data import read_real
from tasks.stages.rivals import measure_rivals, settings_of
from tasks.stages.training import calibrate, train_task
from tasks.storage.store import write_json

MAX_EPOCHS = 12


class ArmPredictions(NamedTuple):
    """What every arm said on every seed."""

    arms: dict[str, list[Predictions]]
    rare: dict[str, list[Predictions]]
    """On the held-out folds of the real training rows."""
    rare_labels: list[str]
    rows: dict[str, list[int]]
    """Training and validation rows per arm and seed."""
    n_seen: int
    """Test rows left out because they stand in training text."""
    costs: dict[str, Cost]
    """Of every rival, on the last seed."""


def open_ablation(config: AblationConfig) -> RunContext:
    """Open a run that samples text, whatever fraction of real rows the configuration mixes in."""
    mixing = config.mixing.model_copy(update={"real_fraction": 0.0})
    return open_run(config.model_copy(update={"mixing": mixing}))


def measure_arms(run: RunContext, config: AblationConfig, synthetic: DatasetRef) -> ArmPredictions:
    """Train and measure every arm on every seed; what was trained before comes from the cache."""
    real, test = read_real(run, "train"), read_real(run, "test")
    shared = run.call(ablation_test_task, test=test, real=real, synthetic=synthetic)
    rare = rarest(run.store.get_rows(real), run.taxonomy)
    found = ArmPredictions({}, {}, rare, {}, test.n_rows - shared.n_rows, {})
    ordinal = run.taxonomy.ordinal
    planned = possible(arms(config.real_fractions, config.few_rows), real.n_rows)
    plan = [(arm, seed) for seed in range(config.seeds) for arm in planned]
    for arm, seed in tqdm(plan, desc="ablation", unit="arm"):
        rows = run.call(
            ablation_rows_task,
            synthetic=synthetic,
            real=real,
            arm=arm,
            labels=run.taxonomy.names,
            mixing=run.config.mixing,
            cap=config.rows_per_arm,
            split=run.config.split,
            seed=seed,
        )
        model = _classifier(run, rows, config.row_passes, seed)
        sets = [(shared, found.arms)]
        if rare:
            fold = run.call(ablation_rare_task, real=real, rare=tuple(rare), seed=seed)
            sets.append((fold, found.rare))
        for tested, said in sets:
            predictions = run.call(predict_test_task, model=model, test=tested, taxonomy=run.taxonomy)
            _add(said, arm.name, run, predictions)
        found.rows.setdefault(arm.name, []).append(rows.n_rows)
        rivals = [
            settings_of(name, run.config.evaluation, run.config.rivals)
            for name in rivals_of(arm, config, ordinal, seed)
        ]
        for rival in measure_rivals(run, rivals, rows=rows, tests={REAL: shared}, seed=seed):
            name = f"{arm.name}, {rival.name}"
            _add(found.arms, name, run, rival.predictions[REAL])
            found.costs[name] = rival.cost
    return found


def _classifier(run: RunContext, rows: DatasetRef, row_passes: int, seed: int) -> ModelRef:
    """The classifier of one arm and seed."""
    trained = run.call(
        train_task,
        rows=rows,
        labels=run.taxonomy.names,
        meanings=head_meanings(run.taxonomy),
        training=training_of(run.config.training, row_passes=row_passes, n_rows=rows.n_rows),
        seed=seed,
    )
    return calibrate(run, trained, rows)


def training_of(training: TrainingConfig, *, row_passes: int, n_rows: int) -> TrainingConfig:
    """The training options, with as many epochs as give every arm about the same number of row passes.

    One per cent of the real rows may well lack a rare label: that arm does without it.
    """
    epochs = max(1, min(MAX_EPOCHS, round(row_passes / n_rows)))
    return training.model_copy(update={"epochs": epochs, "allow_missing_labels": True})


def write_ablation(run: RunContext, config: AblationConfig, found: ArmPredictions) -> AblationSummary:
    """Compare the arms, show the table, and write `ablation/<taxonomy>.json` and its page beside it."""
    pairs = pairs_of(config, run.taxonomy.ordinal)
    compared = compare_on_shared(found.arms, run.taxonomy, pairs, run.config.seed)
    if found.rare:
        _add_rare(run, found, compared, pairs)
    page = page_of(run, config, found, compared)
    path = f"ablation/{run.taxonomy.name}"
    write_json(run.store, f"{path}.json", page)
    run.store.write_path(f"{path}.html", render_ablation(page).encode())
    title, rows = title_of(page), table_of(compared, run.taxonomy.ordinal)
    artifacts.show_table("ablation", rows, title)
    return AblationSummary(
        path=run.store.uri(f"{path}.json"),
        report=run.store.uri(f"{path}.html"),
        title=title,
        table=tuple(json.dumps(row) for row in rows),
    )


def page_of(
    run: RunContext, config: AblationConfig, found: ArmPredictions, compared: Comparison
) -> dict[str, Any]:
    """All that the protocol found, JSON-able."""
    test = next(iter(found.arms.values()))[0]
    return {
        "created": now(),
        "taxonomy": run.taxonomy.name,
        "config": run.config.model_dump(mode="json"),
        "seeds": config.seeds,
        "rows_per_arm": config.rows_per_arm,
        "rows": found.rows,
        "test_rows": len(test.targets),
        "test_rows_seen_in_training": found.n_seen,
        "n_common_labels": len(common_labels(test)),
        "labels": dict(zip(run.taxonomy.names, test.true.sum(axis=0).astype(int).tolist(), strict=True)),
        "rarest_labels": found.rare_labels,
        "caution": caution(run.config, has_real_rows=bool(found.rare)),
        "arms": _plain(compared.scores),
        "differences": _plain(compared.differences),
        "each_seed": _each_seed(run, found),
        "texts_labelled": {name: len(seeds[0].targets) for name, seeds in found.arms.items()},
        "costs": {name: cost.model_dump() for name, cost in found.costs.items()},
        "per_label": {name: _label_scores(run, seeds) for name, seeds in found.arms.items()},
        "versions": versions(),
    }


def _label_scores(run: RunContext, seeds: list[Predictions]) -> dict[str, float]:
    """F1 of every label, mean over seeds."""
    once = np.ones((1, len(seeds[0].targets)))
    mean = np.mean(
        [label_f1(predictions.decided, predictions.true)(once)[0] for predictions in seeds], axis=0
    )
    return dict(zip(run.taxonomy.names, mean.tolist(), strict=True))


def _add_rare(
    run: RunContext, found: ArmPredictions, compared: Comparison, pairs: list[tuple[str, str]]
) -> None:
    """Add mean F1 of the rarest labels: on the held-out folds of all seeds pooled, and on the test."""
    labels = [run.taxonomy.index[name] for name in found.rare_labels]
    folds = {name: [rare_f1(seeds, labels)] for name, seeds in found.rare.items()}
    n_test = len(next(iter(found.arms.values()))[0].targets)
    tested = {
        name: [rare_f1([predictions], labels) for predictions in seeds]
        for name, seeds in found.arms.items()
        if len(seeds[0].targets) == n_test
    }
    n_held = sum(len(predictions.targets) for predictions in next(iter(found.rare.values())))
    _add_score(compared, "f1_rarest", folds, resample_counts(n_held, run.config.seed), pairs)
    _add_score(compared, "f1_rarest_in_test", tested, resample_counts(n_test, run.config.seed), pairs)


def _add_score(
    compared: Comparison,
    score: str,
    found: Mapping[str, Sequence[Score]],
    counts: Matrix,
    pairs: Sequence[tuple[str, str]],
) -> None:
    draws = {name: resampled_scores(scores, counts) for name, scores in found.items()}
    for name, each in draws.items():
        compared.scores[name][score] = interval(each)
    for one, other in pairs:
        if one in draws and other in draws:
            compared.differences[f"{one} - {other}"][score] = interval(draws[one] - draws[other])


def _plain(tree: dict[str, dict[str, Estimate]]) -> dict[str, dict[str, dict[str, float]]]:
    return {name: {s: value._asdict() for s, value in scores.items()} for name, scores in tree.items()}


def _each_seed(run: RunContext, found: ArmPredictions) -> dict[str, list[dict[str, float]]]:
    """Point scores of every arm and seed."""
    alone = {
        f"{name} {seed}": [predictions]
        for name, seeds in found.arms.items()
        for seed, predictions in enumerate(seeds)
    }
    scores = compare_on_shared(alone, run.taxonomy, [], run.config.seed, n_resamples=2).scores
    return {
        name: [
            {s: value.value for s, value in scores[f"{name} {seed}"].items()} for seed in range(len(seeds))
        ]
        for name, seeds in found.arms.items()
    }


def _add(predictions: dict[str, list[Predictions]], name: str, run: RunContext, ref: BlobRef) -> None:
    predictions.setdefault(name, []).append(from_bytes(run.store.get_blob(ref)))
