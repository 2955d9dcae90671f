"""The default run without Prefect: the same stages as plain calls and in plain threads, nothing cached.

What a flow takes longer than this is what its bookkeeping costs (bench_operations.py).
"""

import logging
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import flows.regenerate
from tasks.stages import texts
from tasks import events, nights, runpage, runs, store
from tasks.caching import Kept
from tasks.commandline import parse
from tasks.config import RunConfig

THREADS = 24
BLOCK = store.ResultsStore(root=store.default_root())


class PlainTask:
    """A stage that is called and submitted like a task."""

    def __init__(self, step: Any) -> None:
        self.fn, self.name = step.fn, step.name
        self._threads = ThreadPoolExecutor(THREADS)

    def with_options(self, **_: Any) -> "PlainTask":
        return self

    def submit(self, *args: Any) -> Future[Any]:
        future = self._threads.submit(self.fn, *args)
        future.wait, future.state, future.name = future.result, future, "Completed"  # type: ignore[attr-defined]
        return future


def plain_kept(step: Any, *args: Any, **kwargs: Any) -> Kept[Any]:
    return Kept(step.fn(*args, **kwargs), step.name)


def plain_checked(step: Any, state: Future[Any], *_: Any) -> Kept[Any]:
    return Kept(state.result(), step.name)


def main() -> None:
    """Put plain calls in the place of Prefect's and run."""
    store._load = lambda *_: BLOCK
    runs.kept, runs.checked = plain_kept, plain_checked
    texts.sample_cell_task = PlainTask(texts.sample_cell_task)
    for module in (runs, nights):
        module.get_run_logger = lambda: logging.getLogger("plain")
    events.emit_event = lambda *_, **__: None
    for name in [name for name in vars(runpage) if name.startswith(("create_", "update_"))]:
        setattr(runpage, name, lambda *_, **__: None)
    flows.regenerate.regenerate.fn(parse(RunConfig, sys.argv[1:], "plain"))


if __name__ == "__main__":
    main()
