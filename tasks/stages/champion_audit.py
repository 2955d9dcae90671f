"""The champion measured again: what was recorded, what is found today, and whether that is too little."""

import json
from dataclasses import dataclass

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.config import AuditConfig, RunConfig
from tasks.data.columns import PARTS
from tasks.data.fairness_scores import Fairness
from tasks.data.real_rows import without_seen
from tasks.data.records import Record
from tasks.data.references import DatasetRef, ModelRef, RealRef
from tasks.data.scores import CLASSIFIER, REAL, SYNTHETIC, Metrics, RunScores
from tasks.orchestration import artifacts
from tasks.orchestration.caching import HOUR_S, run_cached
from tasks.orchestration.events import AUDIT_FAILED, emit_run_event
from tasks.orchestration.fingerprints import real_sha256
from tasks.pipeline.fairness.violations import violated_limits
from tasks.pipeline.reporting.run_page_tables import fairness_rows
from tasks.stages.evaluation import measure_model
from tasks.stages.fairness import audit_folder
from tasks.stages.real_data import read_real_task
from tasks.storage.champions import read_champions
from tasks.storage.connection import open_store
from tasks.storage.parquet import rows_of_parquet
from tasks.storage.store import ResultsStore
from tasks.taxonomy import Taxonomy

WATCHED = ("f1_macro", "f1_micro", "kappa")


class AuditFailedError(Exception):
    """The champion is worth less than it was."""


class ChampionAudit(Record):
    """What an audit found."""

    run: str
    """Run that made the champion."""
    test_set: str
    n_rows: int
    recorded: dict[str, float]
    found: dict[str, float]


@dataclass(frozen=True)
class Champion:
    """The best model of a taxonomy and what its run wrote down."""

    run: str
    model: ModelRef
    scores: RunScores
    store: ResultsStore

    @property
    def taxonomy(self) -> Taxonomy:
        """Labels that the model was trained on."""
        return self.scores.taxonomy


def open_champion(config: AuditConfig) -> Champion:
    """Read the champion of a taxonomy.

    Raises:
        ValueError: There is none, or nothing was recorded that an audit on these texts could compare with.
    """
    store = open_store()
    champions = read_champions(store)
    if config.taxonomy not in champions:
        found = ", ".join(champions) or "none"
        raise ValueError(
            f"taxonomy {config.taxonomy!r} has no champion; expected one of: {found}. Run regenerate first."
        )
    entry = champions[config.taxonomy]
    scores = RunScores.model_validate(json.loads(store.read_path(f"runs/{entry['run']}/scores.json")))
    test_set = REAL if config.real else SYNTHETIC
    if scores.metrics(CLASSIFIER, test_set) is None:
        advice = "Run regenerate with --real." if config.real else "Give --real."
        raise ValueError(
            f"champion {entry['run']} was measured on {', '.join(scores.test_sets)} text; expected "
            f"{test_set} text, to compare with. {advice}"
        )
    if config.real and scores.n_folds:
        raise ValueError(
            f"champion {entry['run']} was cross-validated on its human text and then trained on all of it; "
            "expected human text that it has not seen, with scores to compare with. Run regenerate with "
            "400 human rows or more, or with a test split."
        )
    return Champion(entry["run"], ModelRef.model_validate(entry["model"]), scores, store)


def texts_to_measure(champion: Champion, config: AuditConfig) -> DatasetRef:
    """Test rows: people's, prepared as the champion's run prepared them, or the run's own."""
    store, prefix = champion.store, f"runs/{champion.run}/dataset"
    parts = {part: rows_of_parquet(store.read_path(f"{prefix}/{part}.parquet")) for part in PARTS}
    if not config.real:
        return store.put_rows(parts["test"])
    options = RunConfig.model_validate(champion.scores.config)
    real = RealRef(source=config.real, sha256=real_sha256(config.real))
    read = run_cached(
        store,
        read_real_task,
        real=real,
        part="test",
        taxonomy=champion.taxonomy,
        cleaning=options.cleaning,
        scrubbing=options.scrubbing,
    )
    rows, _ = without_seen(store.get_rows(read.kept), [*parts["train"], *parts["validation"]])
    return store.put_rows(rows)


# Never from the cache: that the same model gives the same answers today is what is asked.
@task(name="measure-champion", cache_policy=NO_CACHE, persist_result=False, timeout_seconds=24 * HOUR_S)
def measure_champion(*, model: ModelRef, rows: DatasetRef, taxonomy: Taxonomy) -> Metrics:
    """Label the rows with the champion and measure."""
    store = open_store()
    return Metrics.model_validate(measure_model(store.get_folder(model), store.get_rows(rows), taxonomy))


@task(
    name="audit-champion-fairness", cache_policy=NO_CACHE, persist_result=False, timeout_seconds=24 * HOUR_S
)
def measure_fairness(*, model: ModelRef, taxonomy: Taxonomy, config: AuditConfig) -> Fairness | None:
    """Ask the champion about pairs that it should label alike; None where that is not wanted."""
    if not config.fairness.enabled:
        return None
    real = RealRef(source=config.real, sha256=real_sha256(config.real)) if config.real else None
    folder = open_store().get_folder(model)
    found = audit_folder(folder, taxonomy=taxonomy, pairs=config.fairness.pairs, real=real)
    return Fairness(audit=found, corrections=(), violations=violated_limits(found, config.fairness))


def compare_with_recorded(
    champion: Champion, metrics: Metrics, config: AuditConfig, fairness: Fairness | None = None
) -> ChampionAudit:
    """Show recorded and found scores side by side, and what an audit of fairness found.

    Raises:
        AuditFailedError: A score lies more than `max_drop` below the recorded one, or a fairness limit is
            exceeded; an event tells automations, and a new run corrects what it finds unfair.
    """
    test_set = REAL if config.real else SYNTHETIC
    before = champion.scores.metrics(CLASSIFIER, test_set)
    recorded, found = _watched(before), _watched(metrics)
    audit = ChampionAudit(
        run=champion.run, test_set=test_set, n_rows=metrics.n_rows, recorded=recorded, found=found
    )
    rows: list[dict[str, object]] = [
        {"score": name, "recorded": round(recorded[name], 4), "found": round(found[name], 4)}
        for name in recorded
    ]
    artifacts.show_table("audit", rows, f"Champion {champion.run} on {metrics.n_rows:,} {test_set} texts")
    fallen = [
        f"{name} is {found[name]:.3f}; expected {recorded[name] - config.max_drop:.3f} at least"
        for name in recorded
        if found[name] < recorded[name] - config.max_drop
    ]
    if fairness:
        table = fairness_rows(fairness)
        artifacts.show_table("fairness", table, f"Fairness of {champion.run}, raw and as deployed")
        fallen += fairness.violations
    if fallen:
        emit_run_event(AUDIT_FAILED, champion.run, {"fallen": fallen, "taxonomy": config.taxonomy})
        raise AuditFailedError(f"champion {champion.run} fell: {'; '.join(fallen)}. Regenerate it.")
    return audit


def _watched(metrics: Metrics | None) -> dict[str, float]:
    values = {name: getattr(metrics, name) for name in WATCHED}
    return {name: float(value) for name, value in values.items() if value is not None}
