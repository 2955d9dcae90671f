"""One run as a whole: opened after every check that needs no model, then filled, sifted and shown."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, ParamSpec, TypeVar

from prefect import Task, get_run_logger
from tqdm import tqdm

from tasks import runpage, stages
from tasks.caching import cached
from tasks.checks import check, generator_sha256, real_sha256
from tasks.config import PromptForm, RunConfig
from tasks.orders import order_for
from tasks.publishing import cell_counts
from tasks.records import Cell, DatasetRef, ModelRef, RealRef, Reject, Sifted, SiftedRefs
from tasks.reporting.scrubbing import ScrubAccount
from tasks.store import ResultsStore, open_store
from tasks.taxonomy import Taxonomy, Topics

P = ParamSpec("P")
R = TypeVar("R")


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
    timings: dict[str, float] = field(default_factory=dict)
    drawn: Counter[str] = field(default_factory=Counter)
    rejects: list[DatasetRef] = field(default_factory=list)
    cleaned: list[DatasetRef] = field(default_factory=list)
    """Rows of each round as they were before scrubbing."""
    disputed: DatasetRef | None = None
    """Rows that verification dropped; of the last round alone, which judged all rows anew."""
    rounds: int = 0

    @property
    def wants_synthetic(self) -> bool:
        """Whether any text is to be sampled; a real share of 1 wants none."""
        return self.config.mix < 1

    def step(self, task: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a cached stage and add up its time."""
        start = time.monotonic()
        result = cached(task, *args, **kwargs)
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


def open_run(config: RunConfig) -> Run:
    """Check the configuration and the results block, and give the run its name."""
    asked, (config, taxonomy, topics) = config, check(config)
    store = open_store()
    store.require_writable()
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return Run(
        name=f"{taxonomy.name}-{config.profile.value}-{stamp}",
        asked=asked,
        config=config,
        taxonomy=taxonomy,
        topics=topics,
        generator_sha256=generator_sha256(config.generator),
        real=RealRef(source=config.real, sha256=real_sha256(config.real)) if config.real else None,
        store=store,
    )


def sample(run: Run, cells: Sequence[Cell]) -> tuple[DatasetRef, ...]:
    """Sample all cells of the next round, one cached task run each, side by side in one decode batch."""
    start = time.monotonic()
    run.rounds += 1
    form = run.config.generator.prompt_form or PromptForm.control
    orders = [order_for(cell, run.taxonomy, run.topics, form) for cell in cells]
    task = stages.sample_cell.with_options(result_storage=run.store)
    inputs = (run.config.generator, run.generator_sha256, run.taxonomy)
    futures = [task.submit(order, *inputs) for order in orders]
    progress = runpage.Progress("sample")
    total, done, refs = sum(cell.draw for cell in cells), 0, []
    with tqdm(total=total, desc=f"sample, round {run.rounds}", unit="text", leave=False) as bar:
        for order, future in zip(orders, futures, strict=True):
            ref = future.result()
            if not run.store.intact(ref):
                ref = cached(stages.sample_cell, order, *inputs)
            refs.append(ref)
            bar.update(order.cell.draw)
            done += order.cell.draw
            progress(done / total)
    for cell in cells:
        run.drawn[cell.key] += cell.draw
    run.note("sample", time.monotonic() - start, f"{sum(ref.n_rows for ref in refs):,} texts")
    return tuple(refs)


def account(run: Run, planned: Sequence[Cell], sifted: Sifting) -> Counter[str]:
    """Show a round on the run page, and count the accepted texts per `Cell.key`."""
    counts = cell_counts(run.store.get_rows(sifted.verified.kept))
    run.rejects += [sifted.cleaned.rejects, sifted.scrubbed.rejects]
    run.cleaned.append(sifted.cleaned.kept)
    run.disputed = sifted.verified.rejects
    runpage.show_cells(planned, counts, run.rounds)
    runpage.show_counts("rejects", reject_counts(run), f"Rejected texts by reason, up to round {run.rounds}")
    return counts


def sift(run: Run, texts: tuple[DatasetRef, ...], pool: DatasetRef) -> tuple[DatasetRef, Sifting]:
    """Clean and scrub the texts of a round, add them to the pool, and verify the pool as a whole.

    Verification sees all rounds at once, for later rows are evidence about earlier ones.
    """
    config = run.config
    cleaned = run.step(stages.clean, texts, pool, config.cleaning)
    scrubbed = run.step(stages.scrub, cleaned.kept, config.scrubbing)
    pool = run.store.put_rows([*run.store.get_rows(pool), *run.store.get_rows(scrubbed.kept)])
    verified = run.step(stages.verify, pool, run.taxonomy.names, config.verifying, config.seed)
    return pool, Sifting(cleaned, scrubbed, verified)


def balance(run: Run, accepted: DatasetRef, planned: Sequence[Cell]) -> DatasetRef:
    """Keep what the plan wants and divide it; the surplus joins the rejects."""
    config = run.config
    balanced = run.step(stages.balance_split, accepted, tuple(planned), config.split, config.seed)
    run.rejects.append(balanced.rejects)
    return balanced.kept


def add_real(run: Run, synthetic: DatasetRef) -> DatasetRef:
    """Mix people's text into training and validation, if the configuration asks for it."""
    if run.real is None or not run.config.mix:
        return synthetic
    people = _read_real(run, "train")
    config = run.config
    shares = config.mix, config.mix_rows, config.split.validation
    return run.step(stages.mix, synthetic, people, *shares, config.seed)


def _read_real(run: Run, part: str) -> DatasetRef:
    real, config = run.real, run.config
    if real is None:
        raise ValueError("real is empty; expected a data set. Give --real.")
    read = run.step(stages.read_real_part, real, part, run.taxonomy, config.cleaning, config.scrubbing)
    run.rejects.append(read.rejects)
    return read.kept


def rejects_of(run: Run) -> list[Reject]:
    """Every rejected row; of what verification dropped, the last round's verdict alone."""
    refs = [*run.rejects, *([run.disputed] if run.disputed else [])]
    return [reject for ref in refs for reject in run.store.get_rejects(ref)]


def reject_counts(run: Run) -> dict[str, int]:
    """Rejected texts per `stage: reason`."""
    return Sifted(kept=[], rejects=rejects_of(run)).counts()


def fit_classifier(run: Run, rows: DatasetRef) -> ModelRef:
    """Train the classifier on rows that are split."""
    config = run.config
    knobs = config.training, config.evaluation, config.scrubbing
    return run.step(stages.train, rows, run.taxonomy, *knobs, config.seed)


def evaluate(run: Run, model: ModelRef, rows: DatasetRef) -> stages.Evaluation:
    """Measure classifier and baselines on held-out synthetic text, and on people's if there is any."""
    config = run.config
    people = _read_real(run, "test") if run.real else None
    return run.step(stages.evaluate, model, rows, people, run.taxonomy, config.evaluation, config.seed)


def account_scrubbing(run: Run, rows: DatasetRef, model: ModelRef) -> ScrubAccount:
    """What was scrubbed out of the accepted rows, and what that changed."""
    return run.step(stages.account_scrubbing, tuple(run.cleaned), rows, model, run.config.scrubbing)
