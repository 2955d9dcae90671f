"""From requests for texts to verified texts."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait

from tqdm import tqdm

from tasks.config import GeneratorConfig, PromptForm
from tasks.data.records import Cell, Row
from tasks.data.references import DatasetRef, SampledRef
from tasks.orchestration import artifacts
from tasks.orchestration.caching import stage, verify_result
from tasks.orchestration.engines import engine_of, freed_when_interrupted
from tasks.orchestration.run import Run
from tasks.orchestration.task_runners import one_engine_per_gpu
from tasks.pipeline.planning.requests import CellRequest, build_requests, in_batches
from tasks.pipeline.planning.rows import SampledText, rows_of
from tasks.pipeline.sampling import Engine, Request, Sample
from tasks.pipeline.sampling.throughput import RoundThroughput
from tasks.stages.real_data import read_real_task
from tasks.storage.connection import open_store
from tasks.taxonomy import Taxonomy

WAKE_S = 1.0
"""A thread that waits for longer without waking cannot be told that its time is up."""


@stage("sample-cell", version="3", retry_on_network_error=True, task_run_name="{cell_request.cell.key}")
def sample_cell_task(
    cell_request: CellRequest, generator: GeneratorConfig, generator_sha256: str, taxonomy: Taxonomy
) -> SampledRef:
    """Texts of one cell; the engine decodes all waiting cells in one batch."""
    engine = engine_of(generator)
    requests = [
        Request(w.prompt, w.n, w.seed, w.unconditional_prompt, generator.stop) for w in cell_request.requests
    ]
    samples = _side_by_side(engine, requests)
    sampled_texts = [[SampledText(s.text, s.finish == "length") for s in texts] for texts in samples]
    name = str(generator.model)
    rows = rows_of(cell_request, sampled_texts, taxonomy, name, generator.revision or generator_sha256)
    n_tokens = sum(s.n_tokens for texts in samples for s in texts)
    return SampledRef(**open_store().put_rows(rows).model_dump(), n_tokens=n_tokens)


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


def sample(run: Run, cells: Sequence[Cell]) -> tuple[DatasetRef, ...]:
    """Sample all cells of the next round, one cached task run per batch, side by side in one decode batch."""
    start = time.monotonic()
    run.rounds += 1
    refs = sample_requests(run, _cell_requests(run, cells), f"sample, round {run.rounds}")
    for cell in cells:
        run.n_sampled[cell.key] += cell.n_to_sample
    run.tokens += sum(ref.n_tokens for ref in refs)
    run.log_stage("sample", time.monotonic() - start, f"{sum(ref.n_rows for ref in refs):,} texts")
    return refs


def sample_requests(run: Run, cell_requests: Sequence[CellRequest], title: str) -> tuple[SampledRef, ...]:
    """Texts of some orders, one cached task run each, decoded side by side."""
    task = sample_cell_task.with_options(result_storage=run.store, timeout_seconds=run.config.limits.batch_s)
    inputs = (run.config.generator, run.generator_sha256, run.taxonomy)
    progress = artifacts.Progress("sample")
    total, refs = (
        sum(request.n for cell_request in cell_requests for request in cell_request.requests),
        list[SampledRef](),
    )
    sampled = RoundThroughput(n_cells=len({cell_request.cell.key for cell_request in cell_requests}))
    run.throughput.append(sampled)
    bar = tqdm(total=total, desc=title, unit="text", leave=False)
    with bar, freed_when_interrupted(), one_engine_per_gpu():
        futures = [task.submit(cell_request, *inputs) for cell_request in cell_requests]
        for cell_request, future in zip(cell_requests, futures, strict=True):
            future.wait()
            ref, key = verify_result(task, future.state, cell_request, *inputs)
            refs.append(ref)
            run.results.append(key)
            n_texts = sum(request.n for request in cell_request.requests)
            sampled.add(n_texts, ref.n_tokens, from_cache=future.state.name == "Cached")
            bar.update(n_texts)
            progress(sampled.n_texts / total, f"sample: {sampled.tokens_per_s:,.0f} tokens/s")
    return tuple(refs)


def _cell_requests(run: Run, cells: Sequence[Cell]) -> list[CellRequest]:
    generator = run.config.generator
    form, size = generator.prompt_form or PromptForm.chat, generator.batch_size or 1
    shown = _exemplars(run), generator.exemplars, generator.template
    whole = [build_requests(cell, run.taxonomy, run.topics, form, *shown) for cell in cells]
    return [part for cell_request in whole for part in in_batches(cell_request, size)]


def _exemplars(run: Run) -> list[Row]:
    """Rows that prompts may show: people's training rows, or without them what was accepted so far."""
    if not run.config.generator.exemplars:
        return []
    if run.real is None:
        return run.store.get_rows(run.accepted) if run.accepted else []
    config = run.config
    part = run.real, "train", run.taxonomy, config.cleaning, config.scrubbing
    return run.store.get_rows(run.call(read_real_task, *part).kept)
