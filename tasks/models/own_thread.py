"""Work of PyTorch in a thread that ends with it.

Every thread that multiplies keeps helpers of OpenMP for the rest of its life. Once there are more of them
than cores, all of them sleep between two operations instead of waiting awake, and a step of many small
operations takes up to 1.7 times as long.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def in_own_thread(function: Callable[P, T]) -> Callable[P, T]:
    """The function, run in a thread of its own; results and errors come back to the caller."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with ThreadPoolExecutor(1, thread_name_prefix="torch") as thread:
            return thread.submit(function, *args, **kwargs).result()

    return run
