"""Every Prefect task: read what a ref points at, call one plain function, write, return a ref.

A task's result is cached by what decides it: its name, its version and its inputs (configurations, refs
with sha256, scalars). Raise the version when the code behind a stage changes what comes out.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, cast

import numpy as np

from tasks.balancing import fill_quotas, split_rows
from tasks.caching import digest, stage
from tasks.cleaning import clean_rows
from tasks.config import (
    CleaningConfig,
    EvaluationConfig,
    GeneratorConfig,
    ScrubbingConfig,
    SplitConfig,
    TrainingConfig,
    VerifyingConfig,
)
from tasks.evaluation.arms import baseline_arms
from tasks.evaluation.measuring import measure
from tasks.evaluation.thresholds import population_weights, tune_thresholds
from tasks.orders import Draft, Order, rows_of
from tasks.realrows import real_rows, without_seen
from tasks.records import Cell, DatasetRef, ModelRef, RealRef, Record, Row, Sifted, SiftedRefs
from tasks.reporting.scores import CLASSIFIER, REAL, SYNTHETIC, Arm
from tasks.runpage import Progress
from tasks.sampling import Engine, Request, load_engine
from tasks.scrubbing import SCRUBBER_VERSION, scrub_rows
from tasks.store import open_store, remove_scratch
from tasks.taxonomy import Taxonomy
from tasks.training import load_classifier, predict, save_classifier, train_classifier
from tasks.verifying import verify_rows


class Evaluation(Record):
    """Scores of the classifier and the baselines on every test set."""

    arms: tuple[Arm, ...]
    n_seen_in_training: int
    """Real test texts that were left out because they stand in training."""


LOADING = Lock()


def engine_of(config: GeneratorConfig) -> Engine:
    """The one engine of this process; cells that start at the same moment wait for it to load."""
    with LOADING:
        return _loaded(config)


@cache
def _loaded(config: GeneratorConfig) -> Engine:
    return load_engine(config)


@stage("sample-cell", version="1", task_run_name="{order.cell.key}")
def sample_cell(
    order: Order, generator: GeneratorConfig, generator_sha256: str, taxonomy: Taxonomy
) -> DatasetRef:
    """Texts of one cell; the engine decodes all waiting cells in one batch."""
    engine = engine_of(generator)
    wishes = [Request(w.prompt, w.k, w.seed, w.null_prompt) for w in order.wishes]
    texts = [[Draft(s.text, s.finish == "length") for s in engine.sample(wish)] for wish in wishes]
    name = str(generator.model)
    return open_store().put_rows(
        rows_of(order, texts, taxonomy, name, generator.revision or generator_sha256)
    )


@stage("clean")
def clean(texts: tuple[DatasetRef, ...], seen: DatasetRef, config: CleaningConfig) -> SiftedRefs:
    """Strip what can be stripped, reject what cannot be saved."""
    store = open_store()
    rows = [row for ref in texts for row in store.get_rows(ref)]
    return _put(clean_rows(rows, config, store.get_rows(seen)))


@stage("scrub", version=SCRUBBER_VERSION)
def scrub(rows: DatasetRef, config: ScrubbingConfig) -> SiftedRefs:
    """Replace names, contact data and demographic words."""
    return _put(scrub_rows(open_store().get_rows(rows), config))


@stage("verify", version="2")
def verify(rows: DatasetRef, labels: tuple[str, ...], config: VerifyingConfig, seed: int) -> SiftedRefs:
    """Drop rows whose label their neighbours dispute."""
    return _put(verify_rows(open_store().get_rows(rows), labels, config, seed))


@stage("balance-split")
def balance_split(rows: DatasetRef, cells: tuple[Cell, ...], config: SplitConfig, seed: int) -> SiftedRefs:
    """Keep what the plan wants and divide it."""
    sifted = fill_quotas(open_store().get_rows(rows), cells)
    # Without cells the run is made of real text alone, and there is nothing to divide.
    divided = split_rows(sifted.kept, config, seed) if cells else []
    return _put(Sifted(divided, sifted.rejects))


@stage("read-real", version=SCRUBBER_VERSION)
def read_real_part(
    real: RealRef, part: str, taxonomy: Taxonomy, cleaning: CleaningConfig, scrubbing: ScrubbingConfig
) -> SiftedRefs:
    """Real rows, scrubbed like synthetic ones; what is trained on is cleaned like them, too."""
    rows = real_rows(real.source, part, taxonomy)
    cleaned = clean_rows(rows, cleaning) if part == "train" else Sifted(rows)
    scrubbed = scrub_rows(cleaned.kept, scrubbing)
    return _put(Sifted(scrubbed.kept, [*cleaned.rejects, *scrubbed.rejects]))


@stage("mix")
def mix(
    synthetic: DatasetRef, real: DatasetRef, share: float, at_most: int | None, validation: float, seed: int
) -> DatasetRef:
    """Add real rows to training and validation at the wanted share."""
    store = open_store()
    rows, people = store.get_rows(synthetic), store.get_rows(real)
    wanted = len(people) if share >= 1 else round(share / (1 - share) * len(rows))
    chosen = np.random.default_rng(seed).permutation(len(people))[: min(wanted, at_most or wanted)]
    n_validation = round(validation * len(chosen))
    parts = ["validation"] * n_validation + ["train"] * (len(chosen) - n_validation)
    drawn = [cast("Row", {**people[i], "split": part}) for i, part in zip(chosen, parts, strict=True)]
    return store.put_rows([*rows, *drawn])


@stage("train", version="1")
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
    scratch = store.scratch(f"train-{digest(rows, taxonomy, config, seed)}")
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


def _put(sifted: Sifted) -> SiftedRefs:
    store = open_store()
    return SiftedRefs(kept=store.put_rows(sifted.kept), rejects=store.put_rejects(sifted.rejects))


def _parts(rows: Sequence[Row]) -> dict[str, list[Row]]:
    return {part: [row for row in rows if row["split"] == part] for part in ("train", "validation", "test")}


def _texts(rows: Sequence[Row]) -> list[str]:
    return [row["text"] for row in rows]


def _targets(rows: Sequence[Row]) -> np.ndarray:
    return np.array([row["targets"] for row in rows], dtype=float)


def _weights(validation: Sequence[Row], taxonomy: Taxonomy) -> np.ndarray | None:
    """Weights that give validation the label shares of the world; real rows have them already."""
    if taxonomy.shares is None or any(row["source"] == "real" for row in validation):
        return None
    return population_weights(_targets(validation), taxonomy.shares)
