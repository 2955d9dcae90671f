"""One run as a whole: opened after every check that needs no model, then filled, sifted and shown."""

import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar, cast
from uuid import uuid4

from prefect import Task, get_run_logger, runtime
from prefect.settings import get_current_settings
from tqdm import tqdm

from tasks.stages.accounting import account_scrubbing_task
from tasks.stages.dividing import balance_task, mix_task, read_real_task
from tasks.stages.learning import Evaluation, evaluate_task, train_task
from tasks.stages.reviewing import review_task
from tasks.stages.texts import clean_task, collect_texts_task, freed_when_interrupted, sample_cell_task, scrub_task, verify_task
from tasks.stages.voting import ask_generator_task, judge_task, teach_task
from tasks import runpage
from tasks.caching import checked, kept
from tasks.checks import check, generator_sha256, real_sha256
from tasks.cleaning.toxicity import can_judge
from tasks.config import Judge, PromptForm, RunConfig
from tasks.gpus import claim_gpu
from tasks.orders import Order, in_batches, order_for
from tasks.places import private_folder
from tasks.records import (
    BlobRef,
    Cell,
    DatasetRef,
    ModelRef,
    RealRef,
    Reject,
    Row,
    SampledRef,
    SiftedRefs,
    TeacherRef,
)
from tasks.reporting.scores import Review, Round
from tasks.reporting.scrubbing import ScrubAccount
from tasks.runners import one_engine_per_gpu
from tasks.store import ResultsStore, open_store
from tasks.taxonomy import Taxonomy, Topics
from tasks.throughput import Sampled

P = ParamSpec("P")
R = TypeVar("R")
PARTS = ("train", "validation", "test")


class Sifting(NamedTuple):
    """What the three filters of a round kept and dropped."""

    cleaned: SiftedRefs
    scrubbed: SiftedRefs
    verified: SiftedRefs


@dataclass
class Run:
    """What stays the same from the first stage to the last, and an account of time and rejects."""

    name: str
    asked: RunConfig
    """As the user gave it, before the profile filled it in."""
    config: RunConfig
    taxonomy: Taxonomy
    topics: Topics
    generator_sha256: str
    real: RealRef | None
    store: ResultsStore
    earlier: tuple[BlobRef, ...]
    """Data sets of earlier runs that are not to be repeated."""
    timings: dict[str, float] = field(default_factory=dict)
    drawn: Counter[str] = field(default_factory=Counter)
    rejects: list[DatasetRef] = field(default_factory=list)
    cleaned: list[DatasetRef] = field(default_factory=list)
    """Rows of each round as they were before scrubbing."""
    disputed: DatasetRef | None = None
    """Rows that verification dropped; of the last round alone, which judged all rows anew."""
    rounds: int = 0
    accepted: DatasetRef | None = None
    """Rows that passed every filter so far; None in the first round."""
    tokens: int = 0
    """Tokens sampled so far."""
    sampled: list[Sampled] = field(default_factory=list)
    """What each round of sampling gave and took, in their order."""
    history: list[Round] = field(default_factory=list)
    ended: str = ""
    """Why sampling ended: `filled`, or the budget that ran out: `rounds`, `tokens`, `time`."""
    started: float = field(default_factory=time.monotonic)
    results: list[str] = field(default_factory=list)
    """Names of the cached results that the run is made of."""
    teacher: TeacherRef | None = None

    @property
    def wants_synthetic(self) -> bool:
        """Whether any text is to be sampled; a real share of 1 wants none."""
        return self.config.mix < 1

    def step(self, task: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a cached stage and add up its time."""
        start = time.monotonic()
        limited = task.with_options(timeout_seconds=self.config.limits.stage_s)
        result, key = kept(limited, *args, **kwargs)
        self.results.append(key)
        self.note(task.name, time.monotonic() - start, result)
        return result

    def note(self, stage: str, seconds: float, result: object) -> None:
        """Add up the time of a stage and say in the terminal what came of it."""
        self.timings[stage] = self.timings.get(stage, 0.0) + seconds
        tqdm.write(f"{stage:16}{outcome(result):36}{seconds:8.1f} s", file=sys.stderr)
        get_run_logger().info("%s: %s in %.1f s", stage, outcome(result) or "done", seconds)


def outcome(result: object) -> str:
    """What a stage gave, in a few words."""
    if isinstance(result, SiftedRefs):
        return f"{result.kept.n_rows:,} kept, {result.rejects.n_rows:,} dropped"
    if isinstance(result, DatasetRef):
        return f"{result.n_rows:,} rows"
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


def open_run(config: RunConfig) -> Run:
    """Check the configuration and the results block, and give the run its name."""
    if config.approval.wanted and not get_current_settings().api.url:
        raise ValueError(
            "approval.wanted is set, but there is no server on which a person could answer; expected one at "
            "PREFECT_API_URL. Start one (make server), or leave the approval out."
        )
    asked = seeded(config)
    config, taxonomy, topics = check(asked)
    store = open_store()
    store.require_writable()
    claim_gpu(private_folder("gpus"))
    return Run(
        name=run_name(taxonomy.name, config.profile.value),
        asked=asked,
        config=config,
        taxonomy=taxonomy,
        topics=topics,
        generator_sha256=generator_sha256(config.generator),
        real=RealRef(source=config.real, sha256=real_sha256(config.real)) if config.real else None,
        store=store,
        earlier=earlier_data(store, taxonomy.name, config.cleaning.earlier_runs),
    )


def earlier_data(store: ResultsStore, taxonomy: str, n_runs: int) -> tuple[BlobRef, ...]:
    """Data sets of the latest runs of a taxonomy that are complete, at most `n_runs`."""
    found: list[tuple[str, str]] = []
    for name in store.folders("runs") if n_runs else []:
        if store.exists(f"runs/{name}/scores.json"):
            scores = json.loads(store.read_path(f"runs/{name}/scores.json"))
            if scores["taxonomy"]["name"] == taxonomy:
                found.append((scores["created"], name))
    latest = [name for _, name in sorted(found)[-n_runs:]] if n_runs else []
    files = [f"runs/{name}/dataset/{part}.parquet" for name in latest for part in PARTS]
    return tuple(
        BlobRef(uri=file, sha256=hashlib.sha256(store.read_path(file)).hexdigest()) for file in files
    )


def run_name(taxonomy: str, profile: str) -> str:
    """What a run is, when it began (UTC), and the start of its id: clocks jump, and runs begin together."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return f"{taxonomy}-{profile}-{stamp}-{(runtime.flow_run.id or uuid4().hex)[:8]}"


def sample(run: Run, cells: Sequence[Cell]) -> tuple[DatasetRef, ...]:
    """Sample all cells of the next round, one cached task run per batch, side by side in one decode batch."""
    start = time.monotonic()
    run.rounds += 1
    refs = draw(run, _orders(run, cells), f"sample, round {run.rounds}")
    for cell in cells:
        run.drawn[cell.key] += cell.draw
    run.tokens += sum(ref.n_tokens for ref in refs)
    run.note("sample", time.monotonic() - start, f"{sum(ref.n_rows for ref in refs):,} texts")
    return refs


def draw(run: Run, orders: Sequence[Order], title: str) -> tuple[SampledRef, ...]:
    """Texts of some orders, one cached task run each, decoded side by side."""
    task = sample_cell_task.with_options(
        result_storage=run.store, timeout_seconds=run.config.limits.batch_s
    )
    inputs = (run.config.generator, run.generator_sha256, run.taxonomy)
    progress = runpage.Progress("sample")
    total, refs = sum(wish.k for order in orders for wish in order.wishes), list[SampledRef]()
    sampled = Sampled(n_cells=len({order.cell.key for order in orders}))
    run.sampled.append(sampled)
    bar = tqdm(total=total, desc=title, unit="text", leave=False)
    with bar, freed_when_interrupted(), one_engine_per_gpu():
        futures = [task.submit(order, *inputs) for order in orders]
        for order, future in zip(orders, futures, strict=True):
            future.wait()
            ref, key = checked(task, future.state, order, *inputs)
            refs.append(ref)
            run.results.append(key)
            n_texts = sum(wish.k for wish in order.wishes)
            sampled.add(n_texts, ref.n_tokens, from_cache=future.state.name == "Cached")
            bar.update(n_texts)
            progress(sampled.n_texts / total, f"sample: {sampled.tokens_per_s:,.0f} tokens/s")
    return tuple(refs)


def _orders(run: Run, cells: Sequence[Cell]) -> list[Order]:
    generator = run.config.generator
    form, size = generator.prompt_form or PromptForm.control, generator.batch_size or 1
    shown = _exemplars(run), generator.exemplars, generator.template
    whole = [order_for(cell, run.taxonomy, run.topics, form, *shown) for cell in cells]
    return [part for order in whole for part in in_batches(order, size)]


def _exemplars(run: Run) -> list[Row]:
    """Rows that prompts may show: people's training rows, or without them what was accepted so far."""
    if not run.config.generator.exemplars:
        return []
    if run.real is None:
        return run.store.get_rows(run.accepted) if run.accepted else []
    config = run.config
    part = run.real, "train", run.taxonomy, config.cleaning, config.scrubbing
    return run.store.get_rows(run.step(read_real_task, *part).kept)


def sift(run: Run, texts: tuple[DatasetRef, ...], pool: DatasetRef) -> tuple[DatasetRef, Sifting]:
    """Clean and scrub the texts of a round, add them to the pool, and verify the pool as a whole.

    Verification sees all rounds at once, for later rows are evidence about earlier ones.
    """
    config = run.config
    others = run.step(collect_texts_task, run.real, run.earlier)
    cleaned = run.step(clean_task, texts, pool, others, config.cleaning, can_judge())
    run.cleaned.append(cleaned.kept)
    scrubbed = run.step(scrub_task, cleaned.kept, config.scrubbing)
    voted = run.store.get_rows(collect_votes(run, scrubbed.kept))
    pool = run.store.put_rows([*run.store.get_rows(pool), *voted])
    verified = run.step(verify_task, pool, run.taxonomy, config.verifying, config.seed, taught_teacher(run))
    return pool, Sifting(cleaned, scrubbed, verified)


def collect_votes(run: Run, rows: DatasetRef) -> DatasetRef:
    """Votes of those who look at one text at a time: the generator, and a judge."""
    config, asked = run.config.verifying, (run.config.generator, run.generator_sha256)
    if config.enabled and config.likelihood:
        if run.config.generator.endpoint:
            run.note("ask-generator", 0.0, "no vote: endpoints score no text")
        else:
            rows = run.step(ask_generator_task, rows, *asked, run.taxonomy, run.topics.styles)
    if config.enabled and config.judge not in (None, Judge.none):
        rows = run.step(judge_task, rows, config, run.config.generator, run.taxonomy)
    return rows


def taught_teacher(run: Run) -> TeacherRef | None:
    """The voter that learnt from real training rows, if it is wanted; taught in the first round."""
    config = run.config
    if config.verifying.enabled and config.verifying.teacher and run.teacher is None:
        asked = config.generator, run.generator_sha256, run.taxonomy, config.seed
        run.teacher = run.step(teach_task, read_real(run, "train"), config.verifying, *asked)
    return run.teacher


def balance(run: Run, accepted: DatasetRef, planned: Sequence[Cell]) -> DatasetRef:
    """Keep what the plan wants and divide it; the surplus joins the rejects."""
    config = run.config
    knobs = config.split, config.seed, run.taxonomy
    similarity, share = config.cleaning.near_duplicate_similarity, config.plan.mixed_share
    balanced = run.step(balance_task, accepted, tuple(planned), *knobs, similarity, share)
    run.rejects.append(balanced.rejects)
    return balanced.kept


def add_real(run: Run, synthetic: DatasetRef) -> DatasetRef:
    """Mix people's text into training and validation, if the configuration asks for it."""
    if run.real is None or not run.config.mix:
        return synthetic
    people = read_real(run, "train")
    config = run.config
    shares = config.mix, config.mix_rows, config.mixing, config.split.validation
    return run.step(mix_task, synthetic, people, *shares, config.seed)


def read_real(run: Run, part: str) -> DatasetRef:
    """People's rows of a part, `train` or `test`, cleaned and scrubbed like ours."""
    real, config = run.real, run.config
    if real is None:
        raise ValueError("real is empty; expected a data set. Give --real.")
    read = run.step(read_real_task, real, part, run.taxonomy, config.cleaning, config.scrubbing)
    if read.rejects not in run.rejects:  # read again for a corrected model
        run.rejects.append(read.rejects)
    return read.kept


def review(run: Run, rows: DatasetRef) -> Review:
    """Say what the synthetic rows are like."""
    config = run.config
    knobs = run.taxonomy, run.topics, config.cleaning, config.scrubbing
    return run.step(review_task, rows, run.real, *knobs, can_judge(), config.seed)


def rejects_of(run: Run) -> list[Reject]:
    """Every rejected row; of what verification dropped, the last round's verdict alone."""
    refs = [*run.rejects, *([run.disputed] if run.disputed else [])]
    return [reject for ref in refs for reject in run.store.get_rejects(ref)]


def fit_classifier(
    run: Run, rows: DatasetRef, twins: DatasetRef | None = None, pairing: float = 0.0
) -> ModelRef:
    """Train the classifier on rows that are split; `twins` and `pairing` correct it, see `train_task`."""
    config = run.config
    knobs = config.training, config.evaluation, config.scrubbing
    return run.step(train_task, rows, run.taxonomy, *knobs, config.seed, twins, pairing)


def evaluate(run: Run, model: ModelRef, rows: DatasetRef) -> Evaluation:
    """Measure classifier and baselines on held-out synthetic text, and on people's if there is any."""
    config = run.config
    people = read_real(run, "test") if run.real else None
    return run.step(evaluate_task, model, rows, people, run.taxonomy, config.evaluation, config.seed)


def account_scrubbing(run: Run, rows: DatasetRef, model: ModelRef) -> ScrubAccount:
    """What was scrubbed out of the accepted rows, and what that changed."""
    return run.step(account_scrubbing_task, tuple(run.cleaned), rows, model, run.config.scrubbing)
