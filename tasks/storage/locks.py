"""Locks that processes share."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

POLL_S = 0.1


@contextmanager
def exclusive_lock(folder: Path, name: str) -> Iterator[None]:
    """Keep everybody else on this machine out of what is done under the same name."""
    lock = _lock(folder, name)
    lock.acquire(poll_interval=POLL_S)
    try:
        yield
    finally:
        _release(lock)


def _lock(folder: Path, name: str) -> FileLock:
    return FileLock(folder / hashlib.sha256(name.encode()).hexdigest()[:32], thread_local=False)


def _release(lock: FileLock) -> None:
    # Removed while held: whoever waits on the removed file notices and takes the next one.
    Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()
