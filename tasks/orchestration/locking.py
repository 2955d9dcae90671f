"""Locks that die with their process: one result is made once, however many runs of a machine want it.

Prefect's own file locks outlive a killed holder and hold up every later run for ever; the kernel drops
these. Runs on several machines do not see each other's: both make the result, and the bytes are the same.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from tasks.storage.locks import POLL_S, _lock, _release

STOP = threading.Event()
"""Set while an interrupted run winds up: its threads wait for nobody."""


class ProcessLocks:
    """Prefect's `LockManager` over locks of the kernel; a key is the name of a task's result.

    Args:
        folder: Where the lock files are; asked for at each use, for the results block may move.
        is_made: Whether a result is known to be there: then nobody needs to be kept out.
    """

    def __init__(
        self, folder: Callable[[], Path], is_made: Callable[[str], bool] = lambda key: False
    ) -> None:
        self._folder, self._is_made = folder, is_made
        self._held: dict[str, tuple[str, FileLock]] = {}
        self._sharing: set[tuple[str, str]] = set()
        """Keys of results that are there, each with one of its holders."""

    def acquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,
        hold_timeout: float | None = None,
    ) -> bool:
        """Wait for the lock of a key; it is held until it is released or the process ends.

        Raises:
            InterruptedError: The run was interrupted meanwhile.
        """
        if self.is_lock_holder(key, holder):
            return True
        if self._is_made(key):
            self._sharing.add((key, holder))
            return True
        lock = _lock(self._folder(), key)
        try:
            lock.acquire(-1 if acquire_timeout is None else acquire_timeout, POLL_S, cancel_check=STOP.is_set)
        except Timeout:
            if STOP.is_set():
                raise InterruptedError(f"waiting for {key} was interrupted.") from None
            return False
        self._held[key] = holder, lock
        return True

    def release_lock(self, key: str, holder: str) -> None:
        """Let the next one have it."""
        if (key, holder) in self._sharing:
            self._sharing.remove((key, holder))
        elif self.is_lock_holder(key, holder):
            _release(self._held.pop(key)[1])

    def is_locked(self, key: str) -> bool:
        """Whether this process or another one holds it."""
        return key in self._held or not self.wait_for_lock(key, 0)

    def is_lock_holder(self, key: str, holder: str) -> bool:
        """Whether the holder, a transaction of this process, has it."""
        return (key, holder) in self._sharing or (key in self._held and self._held[key][0] == holder)

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody has it; False if that took longer than `timeout` seconds."""
        free = self.acquire_lock(key, "waiting", timeout)
        self.release_lock(key, "waiting")
        return free

    # Our flows are synchronous; these two complete Prefect's protocol.
    async def aacquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,
        hold_timeout: float | None = None,
    ) -> bool:
        """Like `acquire_lock`."""
        return self.acquire_lock(key, holder, acquire_timeout, hold_timeout)

    async def await_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Like `wait_for_lock`."""
        return self.wait_for_lock(key, timeout)
