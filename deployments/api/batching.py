"""Requests that wait at the same moment share forward passes; how many may wait, and how long, is bounded."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

In = TypeVar("In")
Out = TypeVar("Out")
MAX_ITEMS_PER_TURN = 4
"""Texts that one request puts in a batch before the next one has its turn."""
THROUGHPUT_WINDOW = 32
"""Batches that the expected seconds per item are taken from."""


class OverloadedError(Exception):
    """There is no room in the queue; `retry_s` says after how many whole seconds there should be."""

    def __init__(self, retry_s: int) -> None:
        super().__init__(f"the queue is full; try again in {retry_s} s")
        self.retry_s = retry_s


@dataclass
class Job(Generic[In, Out]):
    """The texts of one request on their way through the batches."""

    items: Sequence[In]
    future: "asyncio.Future[list[Out]]"
    deadline: float
    """Loop time after which nobody waits for the answer."""
    taken: int = 0
    done: list[Out] = field(default_factory=list)


class Pace:
    """Seconds that an item takes, over the last `THROUGHPUT_WINDOW` batches together.

    Their sum, and not a mean of means: a moment's halt in a batch of one item says little about the hundred
    items that wait behind it, and turned them away when it counted as much as a full batch.
    """

    def __init__(self) -> None:
        self._batches: deque[tuple[int, float]] = deque(maxlen=THROUGHPUT_WINDOW)

    def add(self, n_items: int, seconds: float) -> None:
        """One more batch."""
        self._batches.append((n_items, seconds))

    @property
    def item_s(self) -> float:
        """Seconds per item; 0 before the first batch."""
        return sum(s for _, s in self._batches) / max(1, sum(n for n, _ in self._batches))


class Batcher(Generic[In, Out]):
    """Takes items of many callers and hands them to one function in batches.

    Callers take turns within a batch, so that a request of one text never waits for one of 256.

    Args:
        work: Items in, results in the same order out; runs in one thread of its own.
        batch_items: Items per call at most.
        queue_items: Items that wait at most.
        wait_s: Expected seconds of waiting at most.
        observe: Told the number of items and the seconds of each batch.
    """

    def __init__(
        self,
        work: Callable[[list[In]], list[Out]],
        batch_items: int,
        queue_items: int,
        wait_s: float,
        observe: Callable[[int, float], None] = lambda n, s: None,
    ) -> None:
        self.work, self._observe = work, observe
        self._batch_items, self._queue_items, self._wait_s = batch_items, queue_items, wait_s
        self._jobs: deque[Job[In, Out]] = deque()
        self._filled = asyncio.Event()
        self._executor = ThreadPoolExecutor(1, "batch")
        self.pace = Pace()
        self._runner: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to take items; needs a running event loop."""
        self._runner = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finish what was taken and is still awaited, then stop."""
        now = asyncio.get_running_loop().time
        while self._runner and not self._runner.done() and any(job.deadline > now() for job in self._jobs):
            await asyncio.sleep(0.01)
        if self._runner:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        self._executor.shutdown()

    @property
    def waiting(self) -> int:
        """Items that wait or are at work."""
        return sum(len(job.items) - len(job.done) for job in self._jobs)

    def require_room(self, n_items: int = 1) -> None:
        """Raise `OverloadedError` if `n_items` more would wait too long, or not fit."""
        ahead = sum(min(len(job.items) - len(job.done), MAX_ITEMS_PER_TURN) for job in self._jobs)
        wait_s = ahead * self.pace.item_s
        # Two batches always fit: a machine that is slow for a moment must not turn everyone away, for those
        # who come again at once would keep it slow.
        waits_too_long = wait_s > self._wait_s and ahead >= 2 * self._batch_items
        is_full = bool(self._jobs) and self.waiting + n_items > self._queue_items
        if waits_too_long or is_full:
            raise OverloadedError(max(1, math.ceil(wait_s)))

    async def submit(self, items: Sequence[In], timeout_s: float) -> list[Out]:
        """Have items worked on.

        Raises:
            OverloadedError: There is no room.
            TimeoutError: The time is over; what was not begun is left out.
        """
        self.require_room(len(items))
        loop = asyncio.get_running_loop()
        job: Job[In, Out] = Job(items, loop.create_future(), loop.time() + timeout_s)
        self._jobs.append(job)
        self._filled.set()
        async with asyncio.timeout(timeout_s):
            return await job.future

    def _next(self) -> list[tuple[Job[In, Out], Sequence[In]]]:
        """Slices of waiting jobs in turn, until the batch is full; jobs that nobody awaits are dropped."""
        now, room = asyncio.get_running_loop().time(), self._batch_items
        parts: list[tuple[Job[In, Out], Sequence[In]]] = []
        self._jobs = deque(job for job in self._jobs if not job.future.done() and job.deadline > now)
        while room and (open_ := [job for job in self._jobs if job.taken < len(job.items)]):
            for job in open_:
                part = job.items[job.taken : job.taken + min(MAX_ITEMS_PER_TURN, room)]
                job.taken += len(part)
                room -= len(part)
                parts.append((job, part))
                if not room:
                    break
        self._jobs.rotate(-1)
        return parts

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            parts = self._next()
            if not parts:
                self._filled.clear()
                await self._filled.wait()
                continue
            items = [item for _, part in parts for item in part]
            start = loop.time()
            try:
                results = await loop.run_in_executor(self._executor, self.work, items)
            except Exception as error:
                self._fail(parts, error)
                continue
            spent = loop.time() - start
            self.pace.add(len(items), spent)
            self._observe(len(items), spent)
            self._hand_out(parts, results)

    def _hand_out(self, parts: list[tuple[Job[In, Out], Sequence[In]]], results: list[Out]) -> None:
        place = 0
        for job, part in parts:
            job.done += results[place : place + len(part)]
            place += len(part)
            if len(job.done) == len(job.items) and not job.future.done():
                job.future.set_result(job.done)

    def _fail(self, parts: list[tuple[Job[In, Out], Sequence[In]]], error: Exception) -> None:
        for job, _ in parts:
            if not job.future.done():
                job.future.set_exception(error)
