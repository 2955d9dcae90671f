"""Keeping freed memory at hand between the steps of a decode batch."""

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
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(MMAP_THRESHOLD, MAX_BYTES)
            mallopt(TRIM_THRESHOLD, 2**31 - 1)
