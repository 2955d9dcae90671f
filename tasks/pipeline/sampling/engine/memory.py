"""Keeping freed memory at hand between the steps of a decode batch, and giving it back after the last."""

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's `mallopt` (malloc.h)."""
MAX_BYTES = 32 << 20
"""Largest block that glibc lets stay in the heap."""


def keep_freed_memory() -> None:
    """Stop glibc from handing blocks of some megabytes back to the system whenever they are free.

    Every step allocates scores of rows x vocabulary again; fetching their pages from the system takes longer
    than any pass over them.
    """
    _call("mallopt", MMAP_THRESHOLD, MAX_BYTES)
    _call("mallopt", TRIM_THRESHOLD, 2**31 - 1)


def give_back_memory() -> None:
    """Hand what is free back to the system."""
    _call("malloc_trim", 0)


def _call(name: str, *numbers: int) -> None:
    if sys.platform == "linux":
        function = getattr(ctypes.CDLL(None), name, None)  # musl has none
        if function is not None:
            function(*numbers)
