"""The default run without Prefect: the same stages as plain calls and in plain threads, nothing cached.

What a flow takes longer than this is what its bookkeeping costs (bench_operations.py).
"""

import logging
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import flows.regenerate
from tasks.cli.parsing import parse
from tasks.config import RunConfig
from tasks.orchestration import artifacts, events, run_history
from tasks.orchestration import run as runs
from tasks.orchestration.caching import CachedResult
from tasks.stages import sampling
from tasks.storage import block, connection
from tasks.storage.connection import default_root

THREADS = 24
BLOCK = block.ResultsStore(root=default_root())


class PlainTask:
    """A stage that is called and submitted like a task."""

    def __init__(self, step: Any) -> None:
        self.fn, self.name = step.fn, step.name
        self._threads = ThreadPoolExecutor(THREADS)

    def with_options(self, **_: Any) -> "PlainTask":
        return self

    def submit(self, **inputs: Any) -> Future[Any]:
        future = self._threads.submit(self.fn, **inputs)
        future.wait, future.state, future.name = future.result, future, "Completed"  # type: ignore[attr-defined]
        return future


def plain_call(store: object, step: Any, **inputs: Any) -> CachedResult[Any]:
    return CachedResult(step.fn(**inputs), step.name)


def plain_result(store: object, step: Any, state: Future[Any], **_: Any) -> CachedResult[Any]:
    return CachedResult(state.result(), step.name)


def main() -> None:
    """Put plain calls in the place of Prefect's and run."""
    connection._load = lambda *_: BLOCK
    runs.run_cached_with_key, sampling.verify_result = plain_call, plain_result  # type: ignore[assignment]
    sampling.sample_cell_task = PlainTask(sampling.sample_cell_task)
    for module in (runs, run_history):
        module.get_run_logger = lambda: logging.getLogger("plain")
    events.emit_event = lambda *_, **__: None
    for name in [name for name in vars(artifacts) if name.startswith(("create_", "update_"))]:
        setattr(artifacts, name, lambda *_, **__: None)
    flows.regenerate.regenerate.fn(parse(RunConfig, sys.argv[1:], "plain"))


if __name__ == "__main__":
    main()
