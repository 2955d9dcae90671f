"""How a stage becomes a Prefect task whose result is cached by what decides it, and nothing else.

A stage is tried again only where it meets the world outside, has a time limit, and counts as done only
when its result lies in the results block: Prefect itself merely logs a result that it could not write.
"""

import hashlib
import json
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar

import httpx
from prefect import State, Task, task
from prefect.cache_policies import CachePolicy
from prefect.logging.loggers import get_logger
from prefect.task_engine import TaskRunTimeoutError
from prefect.tasks import exponential_backoff
from prefect.transactions import IsolationLevel
from pydantic import BaseModel

from tasks.data.references import BlobRef, ModelRef
from tasks.orchestration.locking import ProcessLocks
from tasks.orchestration.source_versions import version_of
from tasks.storage.block import CACHE
from tasks.storage.connection import open_store
from tasks.storage.store import ResultsStore

P = ParamSpec("P")
R = TypeVar("R")

HOUR_S = 3600.0
NO_TIMEOUT = "Timeout of %s seconds configured for this task"
"""Prefect says of every cell that its limit may not hold in a thread. Ours wake each second: it holds."""
get_logger("prefect.task_runs").addFilter(lambda record: not str(record.msg).startswith(NO_TIMEOUT))


def _is_made(key: str) -> bool:
    """Whether a result lies in a local results block; to ask a bucket takes longer than to lock."""
    store = open_store()
    return store.is_local and store.exists(key)


LOCKS = ProcessLocks(lambda: open_store().scratch("locks"), _is_made)


class StageKey(CachePolicy):
    """Cache key of a stage: task name, version of the source that decides the result, canonical inputs."""

    def compute_key(
        self, task_ctx: Any, inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any
    ) -> str | None:
        """Name of the result in the results block."""
        name = task_ctx.task.name
        return f"{CACHE}/{name}-{digest(name, version_of(task_ctx.task.fn), inputs)}"


def digest(*parts: Any) -> str:
    """Hash of configurations, records and scalars that is the same in every process."""
    raw = json.dumps([_canonical(part) for part in parts], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(raw.encode()).hexdigest()[:32]


def _canonical(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _canonical(value.model_dump())
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(k): _canonical(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(v) for v in value]
    if isinstance(value, Path):
        return str(value)  # stands in configurations; what it points at travels as taxonomy, topics or sha256
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        f"input of a stage is a {type(value).__name__}; expected a configuration, a record, a path or a "
        "plain value, which have the same cache key in every process. Pass a ref to it instead."
    )


def stage(
    name: str, timeout_s: float = 24 * HOUR_S, retry_on_network_error: bool = False, **options: Any
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Decorate a function as a cached task.

    Args:
        name: Of the task and, with a hash, of its results.
        timeout_s: Seconds after which the task fails.
        retry_on_network_error: Whether it fetches anything over a network, and so may succeed when it is
            tried again.
        options: Of `prefect.task`.
    """
    policy = StageKey(isolation_level=IsolationLevel.SERIALIZABLE, lock_manager=LOCKS)
    return task(
        name=name,
        cache_policy=policy,
        cache_result_in_memory=False,
        result_serializer="json",
        timeout_seconds=timeout_s,
        **(RETRIES if retry_on_network_error else {}),
        **options,
    )


def is_transient(step: object, run: object, state: State[Any]) -> bool:
    """Whether what went wrong may be gone next time: the network, not a file, a value or our time limit."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, TaskRunTimeoutError):
        return False
    if isinstance(error, ConnectionError | TimeoutError | httpx.TransportError):
        return True
    # Hugging Face's libraries raise a plain OSError for a hub that does not answer.
    return type(error) is OSError and error.errno is None


RETRIES: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": exponential_backoff(2),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": is_transient,
}


class CachedResult(NamedTuple, Generic[R]):
    """Result of a stage and its name in the results block."""

    result: R
    key: str


def run_cached(store: ResultsStore, step: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a stage, or take its result from the results block if what it points at is still intact."""
    return run_cached_with_key(store, step, *args, **kwargs).result


def run_cached_with_key(
    store: ResultsStore, step: Task[P, R], *args: P.args, **kwargs: P.kwargs
) -> CachedResult[R]:
    """Like `run_cached`, with the name of the result.

    Raises:
        OSError: The stage is done, but its result could not be written.
    """
    bound = step.with_options(result_storage=store)
    return verify_result(store, step, bound(*args, return_state=True, **kwargs), *args, **kwargs)


def verify_result(
    store: ResultsStore, step: Task[P, R], state: State[R], *args: P.args, **kwargs: P.kwargs
) -> CachedResult[R]:
    """See that a result is in the block with all that it points at.

    What was cached and has lost something is made again; what was just made and is not there is an error.
    """
    result = state.result()
    if state.name == "Cached" and (damaged := [ref for ref in _refs(result) if not store.intact(ref)]):
        for ref in damaged:
            store.remove_damaged(ref)
        again = step.with_options(result_storage=store, refresh_cache=True)
        state = again(*args, return_state=True, **kwargs)
        result = state.result()
    key = str(state.data.metadata.storage_key)  # type: ignore[union-attr]
    if state.name != "Cached" and not store.exists(key):
        raise OSError(
            f"result {key} is not in the results block at {store.root}; expected it after {step.name}. See "
            "that the block can be written and has room, then give the same command again."
        )
    return CachedResult(result, key)


def _refs(value: Any) -> list[BlobRef | ModelRef]:
    """Every ref in a result, however deep."""
    if isinstance(value, BlobRef | ModelRef):
        return [value]
    if isinstance(value, BaseModel):
        return [ref for name in type(value).model_fields for ref in _refs(getattr(value, name))]
    if isinstance(value, list | tuple):
        return [ref for item in value for ref in _refs(item)]
    if isinstance(value, dict):
        return [ref for item in value.values() for ref in _refs(item)]
    return []
