"""What a run is, and how it is opened: checked, named, with its results block."""

import json
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import ParamSpec, TypeVar, cast
from uuid import uuid4

from prefect import Task, get_run_logger, runtime
from prefect.settings import get_current_settings
from tqdm import tqdm

from tasks.config import RealConfig, RunConfig, TextsConfig
from tasks.data.reading import read_dataset
from tasks.data.records import Reject
from tasks.data.references import BlobRef, DatasetRef, FilterRefs, RealRef, RivalRef
from tasks.orchestration.caching import run_cached_with_key
from tasks.orchestration.fingerprints import generator_sha256, real_sha256
from tasks.orchestration.gpu_claims import claim_gpu
from tasks.orchestration.ledger import RunLedger
from tasks.orchestration.preflight import check, require_judge, unknown_topics
from tasks.pipeline.evaluation.promotion import other_labels
from tasks.storage.champions import read_champions
from tasks.storage.connection import open_store
from tasks.storage.files import private_folder
from tasks.storage.store import ResultsStore
from tasks.taxonomy import Taxonomy, Topics

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """What stays the same from the first stage of a run to the last."""

    name: str
    user_config: RunConfig
    """As the user gave it, before the profile filled it in."""
    config: RunConfig
    taxonomy: Taxonomy
    topics: Topics
    generator_sha256: str
    real: RealRef | None
    unlabelled: RealRef | None
    store: ResultsStore
    earlier: tuple[BlobRef, ...]
    """Data sets of earlier runs that are not to be repeated."""
    started: float = field(default_factory=time.monotonic)
    ledger: RunLedger = field(default_factory=RunLedger)
    """The account of what the stages took, gave and dropped."""

    @property
    def wants_synthetic(self) -> bool:
        """Whether any text is to be sampled; a real fraction of 1 wants none."""
        return self.config.mixing.real_fraction < 1

    def call(self, task: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a cached stage and put it on the account."""
        start = time.monotonic()
        limited = task.with_options(timeout_seconds=self.config.limits.stage_s)
        result, key = run_cached_with_key(self.store, limited, *args, **kwargs)
        self.ledger.add_results([key])
        self.log_stage(task.name, time.monotonic() - start, result)
        return result

    def log_stage(self, stage: str, seconds: float, result: object) -> None:
        """Add the time of a stage to the account and say in the terminal what came of it."""
        self.ledger.add_time(stage, seconds)
        tqdm.write(f"{stage:21}{outcome(result):36}{seconds:8.1f} s", file=sys.stderr)
        get_run_logger().info("%s: %s in %.1f s", stage, outcome(result) or "done", seconds)

    def note(self, said: str) -> None:
        """Say something in the terminal and the log, and add it to the notes of the run's scores."""
        tqdm.write(said, file=sys.stderr)
        get_run_logger().warning("%s", said)
        self.ledger.add_note(said)

    def rejected_rows(self) -> list[Reject]:
        """Every row that a stage dropped, with the reason."""
        return [reject for ref in self.ledger.rejects for reject in self.store.get_rejects(ref)]


def outcome(result: object) -> str:
    """What a stage gave, in a few words."""
    if isinstance(result, FilterRefs):
        return f"{result.kept.n_rows:,} kept, {result.rejects.n_rows:,} dropped"
    if isinstance(result, DatasetRef):
        return f"{result.n_rows:,} rows"
    if isinstance(result, RivalRef):
        return result.name
    return result if isinstance(result, str) else ""


def run_title() -> str:
    """Name of the flow run in the UI, such as `goemotions · embedded · 2026-11-20`."""
    config = runtime.flow_run.parameters["config"]
    return f"{Path(config.taxonomy).stem} · {config.profile.value} · {scheduled_day():%Y-%m-%d}"


def scheduled_day() -> date:
    """Day for which the flow run was scheduled, UTC; a retry on the next day keeps it."""
    return cast("datetime", runtime.flow_run.scheduled_start_time).date()


def seeded(config: RunConfig) -> RunConfig:
    """Give a run with a daily seed the seed of its day."""
    if not config.daily_seed:
        return config
    seed = (config.seed + scheduled_day().toordinal()) % 2**31
    return config.model_copy(update={"seed": seed, "daily_seed": False})


def open_run(config: RunConfig) -> RunContext:
    """Check the configuration and the results block, and give the run its name."""
    if config.approval.required and not get_current_settings().api.url:
        raise ValueError(
            "approval.required is set, but there is no server on which a person could answer; expected one "
            "at PREFECT_API_URL. Start one (make server), or leave approval.required out."
        )
    asked = seeded(config)
    config, taxonomy, topics = check(asked)
    store = open_store()
    store.require_writable()
    require_judge(config)
    for told in read_dataset(config.real).told if config.real else ():
        tqdm.write(f"real data: {told}", file=sys.stderr)
    for topic in unknown_topics(topics, config.generator):
        tqdm.write(f"topic {topic}: the generator may not know it; scenarios would help", file=sys.stderr)
    champion = read_champions(store).get(taxonomy.name)
    if champion and (other := other_labels(champion, taxonomy)):
        tqdm.write(f"This run stays a candidate: {other}.", file=sys.stderr)
    claim_gpu(private_folder("gpus"))
    return RunContext(
        name=run_name(taxonomy.name, config.profile.value),
        user_config=asked,
        config=config,
        taxonomy=taxonomy,
        topics=topics,
        generator_sha256=generator_sha256(config.generator),
        real=RealRef(source=config.real, sha256=real_sha256(config.real)) if config.real else None,
        unlabelled=_texts_ref(config.unlabelled) if config.unlabelled else None,
        store=store,
        earlier=earlier_data(store, taxonomy.name, config.cleaning.earlier_runs),
    )


def _texts_ref(texts: TextsConfig) -> RealRef:
    source = RealConfig.model_validate(texts.model_dump())
    return RealRef(source=source, sha256=real_sha256(source))


def earlier_data(store: ResultsStore, taxonomy: str, n_runs: int) -> tuple[BlobRef, ...]:
    """Data sets of the latest runs of a taxonomy that are complete, at most `n_runs`."""
    found: list[tuple[str, str, dict[str, str]]] = []
    for name in store.folders("runs") if n_runs else []:
        if store.exists(f"runs/{name}/scores.json"):
            scores = json.loads(store.read_path(f"runs/{name}/scores.json"))
            if scores["taxonomy"]["name"] == taxonomy and "parts" in scores:
                found.append((scores["created"], name, scores["parts"]))
    latest = sorted(found, key=lambda run: run[:2])[-n_runs:] if n_runs else []
    return tuple(
        BlobRef(uri=f"runs/{name}/dataset/{part}.parquet", sha256=sha256)
        for _, name, parts in latest
        for part, sha256 in parts.items()
    )


def run_name(taxonomy: str, profile: str) -> str:
    """What a run is, when it began (UTC), and the start of its id: clocks jump, and runs begin together."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return f"{taxonomy}-{profile}-{stamp}-{(runtime.flow_run.id or uuid4().hex)[:8]}"
