"""From requests for texts to texts."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import islice
from typing import Any, NamedTuple

from tqdm import tqdm

from tasks.config import GeneratorConfig, PromptForm, RunConfig
from tasks.data.records import Cell, Row
from tasks.data.references import SampledRef
from tasks.orchestration import artifacts
from tasks.orchestration.caching import stage, verify_result
from tasks.orchestration.engines import engine_of, freed_when_interrupted
from tasks.orchestration.run import RunContext
from tasks.orchestration.task_runners import one_engine_per_gpu
from tasks.pipeline.planning.requests import CellRequest, build_requests, in_batches
from tasks.pipeline.planning.rounds import QuotaState
from tasks.pipeline.planning.rows import SampledText, rows_of
from tasks.pipeline.sampling import Engine, Request, Sample
from tasks.pipeline.sampling.throughput import RoundThroughput
from tasks.stages.real_data import read_real
from tasks.stages.unlabelled import read_unlabelled
from tasks.storage.connection import open_store
from tasks.taxonomy import Taxonomy, Topics

WAKE_S = 1.0
"""A thread that waits for longer without waking cannot be told that its time is up."""


@stage("sample-cell", retry_on_network_error=True, task_run_name="{cell_request.cell.key}")
def sample_cell_task(
    *, cell_request: CellRequest, generator: GeneratorConfig, generator_sha256: str, taxonomy: Taxonomy
) -> SampledRef:
    """Texts of one cell; the engine decodes all waiting cells in one batch."""
    rows, n_tokens = rows_of_requests(
        engine_of(generator), [cell_request], generator, generator_sha256, taxonomy
    )
    return SampledRef(**open_store().put_rows(rows).model_dump(), n_tokens=n_tokens)


def rows_of_requests(
    engine: Engine,
    cell_requests: Sequence[CellRequest],
    generator: GeneratorConfig,
    generator_sha256: str,
    taxonomy: Taxonomy,
) -> tuple[list[Row], int]:
    """Rows of the texts that an engine writes for some cells at once, and the tokens that they cost."""
    prompts = [prompt for cell_request in cell_requests for prompt in cell_request.requests]
    requests = [Request(w.prompt, w.n, w.seed, w.unconditional_prompt, generator.stop) for w in prompts]
    samples = _side_by_side(engine, requests)
    texts = iter([[_sampled_text(sample) for sample in some] for some in samples])
    name, revision = str(generator.model), generator.revision or generator_sha256
    rows = [
        row
        for cell_request in cell_requests
        for row in rows_of(
            cell_request, list(islice(texts, len(cell_request.requests))), taxonomy, name, revision
        )
    ]
    return rows, sum(s.n_tokens for texts in samples for s in texts)


def _sampled_text(sample: Sample) -> SampledText:
    return SampledText(sample.text, sample.finish == "length", sample.log_ratio)


def _side_by_side(engine: Engine, requests: Sequence[Request]) -> list[list[Sample]]:
    """Ask for all texts at once, so that few waiting cells fill the batch, too."""
    threads = ThreadPoolExecutor(len(requests))
    asked = [threads.submit(engine.sample, request) for request in requests]
    try:
        while wait(asked, WAKE_S).not_done:
            pass
        return [samples.result() for samples in asked]
    finally:
        threads.shutdown(wait=False)


class SampledTexts(NamedTuple):
    """Texts that were sampled at once, and what that took."""

    refs: tuple[SampledRef, ...]
    throughput: RoundThroughput

    @property
    def n_tokens(self) -> int:
        """Tokens that they cost."""
        return sum(ref.n_tokens for ref in self.refs)


def sample(run: RunContext, quotas: QuotaState) -> SampledTexts:
    """Sample all cells of a round, one cached task run per batch, side by side in one decode batch."""
    start = time.monotonic()
    title = f"sample, round {quotas.n_rounds + 1}"
    texts = sample_cells(run, quotas.cells, title, exemplars=_exemplars(run, quotas))
    n_texts = sum(ref.n_rows for ref in texts.refs)
    run.log_stage("sample", time.monotonic() - start, f"{n_texts:,} texts")
    return texts


def sample_cells(
    run: RunContext, cells: Sequence[Cell], title: str, exemplars: Sequence[Row] = ()
) -> SampledTexts:
    """Texts of some cells, whose prompts may show exemplars of their labels."""
    size = run.config.generator.batch_size or 1
    whole = cell_requests_of(run.config, run.taxonomy, run.topics, cells, exemplars)
    return sample_requests(run, [part for request in whole for part in in_batches(request, size)], title)


def cell_requests_of(
    config: RunConfig,
    taxonomy: Taxonomy,
    topics: Topics,
    cells: Sequence[Cell],
    exemplars: Sequence[Row] = (),
) -> list[CellRequest]:
    """The prompts of some cells, as a resolved configuration asks for them."""
    generator = config.generator
    form = generator.prompt_form or PromptForm.chat
    shown = exemplars, generator.exemplars, generator.template
    return [build_requests(cell, taxonomy, topics, form, *shown) for cell in cells]


def sample_requests(run: RunContext, cell_requests: Sequence[CellRequest], title: str) -> SampledTexts:
    """Texts of some requests, one cached task run each, decoded side by side."""
    task = sample_cell_task.with_options(result_storage=run.store, timeout_seconds=run.config.limits.batch_s)
    inputs: dict[str, Any] = {
        "generator": run.config.generator,
        "generator_sha256": run.generator_sha256,
        "taxonomy": run.taxonomy,
    }
    progress, refs = artifacts.Progress("sample"), list[SampledRef]()
    total = sum(_n_texts(cell_request) for cell_request in cell_requests)
    throughput = RoundThroughput(n_cells=len({cell_request.cell.key for cell_request in cell_requests}))
    bar = tqdm(total=total, desc=title, unit="text", leave=False)
    with bar, freed_when_interrupted(), one_engine_per_gpu():
        futures = [task.submit(cell_request=cell_request, **inputs) for cell_request in cell_requests]
        for cell_request, future in zip(cell_requests, futures, strict=True):
            future.wait()
            ref, key = verify_result(run.store, task, future.state, cell_request=cell_request, **inputs)
            refs.append(ref)
            run.ledger.add_results([key])
            n_texts = _n_texts(cell_request)
            throughput.add(n_texts, ref.n_tokens, from_cache=future.state.name == "Cached")
            bar.update(n_texts)
            progress(throughput.n_texts / total, f"sample: {throughput.tokens_per_s:,.0f} tokens/s")
    return SampledTexts(tuple(refs), throughput)


def _n_texts(cell_request: CellRequest) -> int:
    return sum(request.n for request in cell_request.requests)


def _exemplars(run: RunContext, quotas: QuotaState) -> list[Row]:
    """Rows that prompts may show: human-written ones, or without them what was accepted so far."""
    if not run.config.generator.exemplars:
        return []
    if not (run.real or run.unlabelled):
        return run.store.get_rows(quotas.accepted)
    refs = [read_real(run, "train") if run.real else None, read_unlabelled(run)]
    return [row for ref in refs if ref for row in run.store.get_rows(ref)]
