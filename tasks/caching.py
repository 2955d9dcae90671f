"""How a stage becomes a Prefect task whose result is cached by what decides it, and nothing else."""

import hashlib
import json
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import CachePolicy
from pydantic import BaseModel

from tasks.records import BlobRef, ModelRef
from tasks.store import CACHE, open_store

P = ParamSpec("P")
R = TypeVar("R")


class StepKey(CachePolicy):
    """Cache key of a stage: task name, version, canonical inputs."""

    version: str = "1"

    def compute_key(
        self, task_ctx: Any, inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any
    ) -> str | None:
        """Name of the result in the results block."""
        return f"{CACHE}/{task_ctx.task.name}-{digest(task_ctx.task.name, self.version, inputs)}"


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


def stage(name: str, version: str = "1", **options: Any) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Decorate a function as a cached task."""
    policy = StepKey()
    policy.version = version
    return task(
        name=name, cache_policy=policy, cache_result_in_memory=False, result_serializer="json", **options
    )


def cached(step: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a stage, or take its result from the results block if what it points at is still intact."""
    store = open_store()
    bound = step.with_options(result_storage=store)
    state = bound(*args, return_state=True, **kwargs)
    if state.name == "Cached" and not all(store.intact(ref) for ref in _refs(state.result())):
        state = bound.with_options(refresh_cache=True)(*args, return_state=True, **kwargs)
    return state.result()


def _refs(value: Any) -> list[BlobRef | ModelRef]:
    if isinstance(value, BlobRef | ModelRef):
        return [value]
    if isinstance(value, BaseModel):
        return [ref for name in type(value).model_fields for ref in _refs(getattr(value, name))]
    return []
