"""Where cells are sampled: in threads of this process, or by the workers of a Ray cluster.

`SENTIMILL_RAY` names the cluster (`ray://head:10001`, `host:6379`, or `auto` for a new one on this machine);
unset means threads. Needs `sentimill[ray]`, and a results block that every node reaches.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

RAY = "SENTIMILL_RAY"
N_THREADS = 24
"""Threads wait while one engine decodes what all of them asked for; more threads, fuller batches."""
MAX_RETRIES = 5
"""Times that Ray gives a cell to another worker when one is lost."""


def task_runner() -> TaskRunner[Any]:
    """Threads, or the Ray cluster that `SENTIMILL_RAY` names.

    Raises:
        ValueError: A cluster is named but prefect-ray is not installed.
    """
    address = os.environ.get(RAY)
    if not address:
        return ThreadPoolTaskRunner(max_workers=N_THREADS)
    if find_spec("prefect_ray") is None:
        raise ValueError(
            f"{RAY} is {address} but prefect-ray is not installed; expected it. "
            f"Run `pip install 'sentimill[ray]'`, or unset {RAY}."
        )
    from prefect_ray import RayTaskRunner

    runner: TaskRunner[Any] = RayTaskRunner(address=address)
    return runner


@contextmanager
def one_engine_per_gpu() -> Iterator[None]:
    """On Ray, give every submitted task a GPU of its own if there are any, and another worker if its dies.

    Ray keeps a worker for the next task, and with it the engine that it loaded.
    """
    if not os.environ.get(RAY):
        yield
        return
    import ray
    from prefect_ray.context import remote_options

    n_gpus = 1 if ray.cluster_resources().get("GPU", 0) else 0
    with remote_options(num_gpus=n_gpus, max_retries=MAX_RETRIES):
        yield
