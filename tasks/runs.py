"""One run as a whole: opened after every check that needs no model, shown as it goes, published at its end."""

import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Task
from tqdm import tqdm

from tasks import runpage, stages
from tasks.config import GeneratorConfig, PromptForm, RunConfig
from tasks.orders import order_for
from tasks.publishing import cell_counts
from tasks.realdata import read_real
from tasks.realrows import label_mapping
from tasks.records import Cell, DatasetRef, RealRef, SiftedRefs
from tasks.sampling.opening import embedded_folder
from tasks.store import ResultsStore, open_store
from tasks.taxonomy import Taxonomy, Topics, load_taxonomy, load_topics

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Run:
    """What stays the same from the first stage to the last, and an account of time and rejects."""

    name: str
    config: RunConfig
    taxonomy: Taxonomy
    topics: Topics
    generator_sha256: str
    real: RealRef | None
    store: ResultsStore
    timings: dict[str, float] = field(default_factory=dict)
    drawn: Counter[str] = field(default_factory=Counter)
    rejects: list[DatasetRef] = field(default_factory=list)
    rounds: int = 0

    @property
    def wants_synthetic(self) -> bool:
        """Whether any text is to be sampled; a real share of 1 wants none."""
        return self.config.real.mix < 1

    def step(self, task: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a cached stage and add up its time."""
        start = time.monotonic()
        result = stages.cached(task, *args, **kwargs)
        self.timings[task.name] = self.timings.get(task.name, 0.0) + time.monotonic() - start
        return result


def check(config: RunConfig) -> tuple[RunConfig, Taxonomy, Topics]:
    """Everything that can be known to be wrong before a model or a server is started.

    Raises:
        ValueError: A value, a file or the embedded generator is not as it should be.
        FileNotFoundError: A file is missing.
    """
    config = config.resolved()
    taxonomy = load_taxonomy(config.taxonomy)
    topics = load_topics(config.plan.topics_file).select(config.plan.topics, config.plan.styles)
    if config.real.mix > 0 and not config.real.data:
        raise ValueError(
            f"real.mix is {config.real.mix} but real.data is empty; expected a data set to mix in. "
            "Give --real.data, or leave --real.mix out."
        )
    if config.generator.model == "embedded" and config.real.mix < 1:
        embedded_folder()
    if config.generator.prompt_form is PromptForm.control:
        _require_control_words(taxonomy)
    if config.real.data:
        _require_real(config.real.data, taxonomy)
    return config, taxonomy, topics


def open_run(config: RunConfig) -> Run:
    """Check the configuration and the results block, and give the run its name."""
    config, taxonomy, topics = check(config)
    store = open_store()
    store.require_writable()
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return Run(
        name=f"{taxonomy.name}-{config.profile.value}-{stamp}",
        config=config,
        taxonomy=taxonomy,
        topics=topics,
        generator_sha256=_generator_sha256(config.generator),
        real=RealRef(source=config.real.data, sha256=_real_sha256(config.real.data)) if config.real.data else None,
        store=store,
    )


def sample(run: Run, cells: Sequence[Cell], round_: int) -> tuple[DatasetRef, ...]:
    """Sample all cells of a round, one cached task run each, side by side in one decode batch."""
    start = time.monotonic()
    form = run.config.generator.prompt_form or PromptForm.control
    orders = [order_for(cell, run.taxonomy, run.topics, form) for cell in cells]
    task = stages.sample_cell.with_options(result_storage=run.store)
    inputs = (run.config.generator, run.generator_sha256, run.taxonomy)
    futures = [task.submit(order, *inputs) for order in orders]
    progress = runpage.Progress("sample")
    total, done, refs = sum(cell.draw for cell in cells), 0, []
    with tqdm(total=total, desc=f"sample, round {round_}", unit="text", leave=False) as bar:
        for order, future in zip(orders, futures, strict=True):
            ref = future.result()
            if not run.store.intact(ref):
                ref = stages.cached(stages.sample_cell, order, *inputs)
            refs.append(ref)
            bar.update(order.cell.draw)
            done += order.cell.draw
            progress(done / total)
    for cell in cells:
        run.drawn[cell.key] += cell.draw
    run.rounds = round_
    run.timings["sample"] = run.timings.get("sample", 0.0) + time.monotonic() - start
    return tuple(refs)


def account(
    run: Run, planned: Sequence[Cell], accepted: DatasetRef, dropped: Sequence[SiftedRefs], round_: int
) -> Counter[str]:
    """Show a round on the run page, and count the accepted texts per `Cell.key`."""
    counts = cell_counts(run.store.get_rows(accepted))
    run.rejects += [refs.rejects for refs in dropped]
    runpage.show_cells(planned, counts, round_)
    runpage.show_counts("rejects", reject_counts(run), f"Rejected texts by reason, up to round {round_}")
    return counts


def reject_counts(run: Run) -> dict[str, int]:
    """Rejected texts per `stage: reason`."""
    counts: Counter[str] = Counter()
    seen: set[str] = set()
    for ref in run.rejects:
        for row in run.store.get_rejects(ref):
            # The verdict on a text may change when later rounds add neighbours; the last one counts.
            if (key := f"{row['row']['id']} {row['stage']}") not in seen:
                seen.add(key)
                counts[f"{row['stage']}: {row['reason']}"] += 1
    return dict(counts.most_common())


def _require_control_words(taxonomy: Taxonomy) -> None:
    silent = [label.name for label in taxonomy.labels if not label.control]
    if silent:
        raise ValueError(
            f"labels {', '.join(silent[:5])} of taxonomy {taxonomy.name} have no control words; expected some "
            "of those that the embedded generator knows (tasks/embedded/README.md lists them). Add `control` to "
            "the labels, or take profile hub or server, which read the labels' meanings."
        )


def _require_real(source: str, taxonomy: Taxonomy) -> None:
    if not Path(source).expanduser().is_dir() and source not in ("go_emotions", "google-research-datasets/go_emotions"):
        read_real(source, "test")  # says what was expected
    if Path(source).expanduser().is_dir():
        native = {label for part in ("train", "test") for text in read_real(source, part) for label in text.labels}
        if not any(label_mapping(native, taxonomy).values()):
            raise ValueError(
                f"real data {source!r} has labels {', '.join(sorted(native)[:5])}; expected some that taxonomy "
                f"{taxonomy.name} knows. Choose data that fits the taxonomy."
            )


def _real_sha256(source: str) -> str:
    folder = Path(source).expanduser()
    digest = hashlib.sha256(source.encode() if not folder.is_dir() else b"")
    with suppress(NotADirectoryError, FileNotFoundError):
        for file in sorted(folder.iterdir()):
            if file.is_file():
                digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def _generator_sha256(config: GeneratorConfig) -> str:
    """What the texts of a generator hang on: its weights where they are at hand, else its name."""
    if config.model == "embedded":
        return hashlib.sha256((embedded_folder() / "SHA256SUMS").read_bytes()).hexdigest()[:16]
    folder = Path(str(config.model)).expanduser()
    if not folder.is_dir():
        return ""
    digest: Any = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            digest.update(file.read_bytes())
    return str(digest.hexdigest())[:16]
