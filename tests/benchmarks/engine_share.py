"""Share of the wall time that sampling cells through the Prefect flow's own step spends inside the engine."""

import os
import time
from tempfile import TemporaryDirectory

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.testing.utilities import prefect_test_harness

from tasks.config import RunConfig
from tasks.data.records import Cell
from tasks.orchestration.engines import engine_of
from tasks.orchestration.run import open_run
from tasks.stages.sampling import sample_cells

N_THREADS = 24
"""As in flows/regenerate.py."""


def engine_share(n_cells: int = 300, n_texts: int = 8) -> dict[str, float]:
    """Sample cells of the default run, none of them cached, with the embedded generator.

    Returns:
        The share, and what it is made of; loading the engine is not part of it.
    """
    with TemporaryDirectory() as results:
        os.environ |= {"SENTIMILL_RESULTS": results, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
        with prefect_test_harness():
            return _sample(n_cells, n_texts)


@flow(task_runner=ThreadPoolTaskRunner(max_workers=N_THREADS))  # type: ignore[arg-type]
def _sample(n_cells: int, n_texts: int) -> dict[str, float]:
    run = open_run(RunConfig())
    names, topics = run.taxonomy.names, list(run.topics.by_name)
    cells = [
        Cell(
            labels=(names[i % len(names)],),
            topic=topics[i % len(topics)],
            wanted=n_texts,
            n_to_sample=n_texts,
            round=1,
            seed=i,
        )
        for i in range(n_cells)
    ]
    engine = engine_of(run.config.generator)
    before, start = engine.usage(), time.perf_counter()
    sample_cells(run, cells, "sample")
    seconds, usage = time.perf_counter() - start, engine.usage()
    busy = usage.busy_s - before.busy_s
    tokens = usage.n_new_tokens - before.n_new_tokens
    return {"ratio": busy / seconds, "engine_s": busy, "wall_s": seconds, "tokens_per_s": tokens / seconds}
