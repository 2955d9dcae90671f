"""The in-process engine: one decode batch, kept full by whatever requests wait."""

import atexit
import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from concurrent.futures import wait
from dataclasses import replace
from typing import Any

import torch

from tasks.models.own_thread import in_own_thread
from tasks.pipeline.sampling.engine.decoding import Batch
from tasks.pipeline.sampling.engine.likelihood import log_likelihoods
from tasks.pipeline.sampling.engine.sequences import Job, Limits, SequenceState
from tasks.pipeline.sampling.interface import Request, Sample, Usage, check_context
from tasks.pipeline.sampling.tokenization import PromptCodec

log = logging.getLogger(__name__)

WAKE_S = 1.0
"""A thread that waits for longer without waking cannot be told that its time is up."""
CLOSED = "the sampling engine was closed; expected an open one. Load it again."
FEW, PART = 4, 8
"""Texts that join in one step: so few, or one for so many that are being written. If all joined at once, none
would be complete before the prompts of all had been read."""
LOOK_AHEAD = 10
"""Requests after those that join, whose prompts may be computed beside theirs."""
EXIT_WAIT_S = 5.0
"""How long the interpreter waits at exit for the decode thread to leave its forward pass."""


class LocalEngine:
    """Samples from a model in this process; see `Engine`.

    A decode thread lives while there is work: it admits waiting rows whenever rows leave. Callers only
    queue and wait, so an interrupt reaches them at once. What waits is taken longest prompt first, since
    attention reads as much of every prompt as the longest in the batch has; what comes meanwhile waits for
    the next turn, so that none waits for ever.
    """

    def __init__(
        self, model: Any, codec: PromptCodec, limits: Limits, widths: Sequence[int], context: int
    ) -> None:
        self.model, self.codec, self._limits, self._widths = model, codec, limits, widths
        self._context = context
        self.batch = Batch(model, limits, widths)
        self._waiting: deque[SequenceState] = deque()
        self._turn: deque[SequenceState] = deque()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._usage = Usage()
        _close_at_exit(self)

    def sample(self, request: Request) -> list[Sample]:
        """Write `request.n` texts; blocks until all are done."""
        job = self._job(request)
        with self._lock:
            self._waiting.extend(SequenceState(job, number) for number in range(request.n))
            self._wake()
        try:
            while not wait([job.future], timeout=WAKE_S).done:
                if self._closing:  # and the decode thread, which would say so, may hang
                    raise RuntimeError(CLOSED)
            return job.future.result()
        finally:
            # An interrupted caller wants no more texts; a served one has none left to come.
            job.abandoned = True

    def usage(self) -> Usage:
        """Tokens and time so far; tokens of the step in the making count, its time does not."""
        with self._lock:
            return self._counted(0.0)

    @property
    def n_queued(self) -> int:
        """Texts asked for since the current turn began; they wait for the next one."""
        return len(self._waiting)

    @in_own_thread
    def log_likelihoods(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """How likely the model finds texts after prompts; see `tasks.pipeline.sampling.engine.likelihood`."""
        return log_likelihoods(self.model, self.codec, pairs, self._context)

    def close(self) -> None:
        """Stop after the current step; callers still waiting get a RuntimeError."""
        self._closing = True
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(EXIT_WAIT_S)

    def _job(self, request: Request) -> Job:
        prompts = [request.prompt]
        if self._limits.n_branches == 2:
            prompts.append(request.unconditional_prompt or request.prompt)
        tokens = [self.codec.encode(prompt) for prompt in prompts]
        job = Job(request, tokens, self.codec, self._limits.max_new_tokens)
        check_context(job.n_prompt, job.max_new_tokens, self._context)
        return job

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="decode", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            start = time.perf_counter()
            with self._lock:
                sequences = self._take()
                if not sequences and not self.batch.sequences:
                    self._thread = None
                    self.batch.free_cache()
                    return
            try:
                self._advance(sequences)
            except torch.OutOfMemoryError as error:
                self._halve(sequences, error)
            except BaseException as error:
                self._fail(sequences, error)
            self._account(time.perf_counter() - start)

    def _take(self) -> list[SequenceState]:
        """Waiting rows for the places that are free, a few at a time."""
        sequences: list[SequenceState] = []
        room = min(self.batch.n_free, max(FEW, len(self.batch.sequences) // PART))
        while (self._turn or self._waiting) and len(sequences) < room:
            if not self._turn:
                self._turn.extend(sorted(self._waiting, key=lambda sequence: -sequence.job.n_prompt))
                self._waiting.clear()
            sequence = self._turn.popleft()
            if not sequence.job.abandoned:
                sequences.append(sequence)
        return sequences

    def _coming(self) -> list[Job]:
        """Requests whose texts join next."""
        jobs: dict[int, Job] = {}
        for sequence in self._turn:
            if not sequence.job.prefills and not sequence.job.abandoned:
                jobs[id(sequence.job)] = sequence.job
            if len(jobs) == LOOK_AHEAD:
                break
        return list(jobs.values())

    def _advance(self, sequences: Sequence[SequenceState]) -> None:
        if self._closing:
            raise RuntimeError(CLOSED)
        if sequences:
            self.batch.admit(sequences, self._coming())
        if self.batch.sequences:
            self.batch.step()

    def _fail(self, sequences: Sequence[SequenceState], error: BaseException) -> None:
        """Hand an error to every caller and start afresh."""
        with self._lock:
            held = [*sequences, *self.batch.sequences, *self._turn, *self._waiting]
            jobs = {id(sequence.job): sequence.job for sequence in held}
            self._turn.clear()
            self._waiting.clear()
            self.batch = Batch(self.model, self._limits, self._widths)
        for job in jobs.values():
            if not job.future.done():
                job.future.set_exception(error)

    def _halve(self, sequences: Sequence[SequenceState], error: BaseException) -> None:
        """Go on with half the batch; its rows start over and, each with its own seed, come out the same."""
        held = {id(sequence): sequence for sequence in [*self.batch.sequences, *sequences]}
        size = self._limits.batch_size // 2
        if size == 0:
            self._fail(sequences, error)
            return
        log.warning("Out of memory with %d texts side by side; going on with %d.", 2 * size, size)
        self._limits = replace(self._limits, batch_size=size)
        self._widths = [w for w in self._widths if w <= size * self._limits.n_branches] or [min(self._widths)]
        for sequence in held.values():
            sequence.reset()
        with self._lock:
            self.batch = Batch(self.model, self._limits, self._widths)
            self._turn.extendleft(reversed(held.values()))
        torch.cuda.empty_cache()

    def _account(self, seconds: float) -> None:
        with self._lock:
            self._usage = self._counted(seconds)
            self.batch.n_prompt_tokens = self.batch.n_new_tokens = 0

    def _counted(self, seconds: float) -> Usage:
        batch, usage = self.batch, self._usage
        return Usage(
            usage.n_prompt_tokens + batch.n_prompt_tokens,
            usage.n_new_tokens + batch.n_new_tokens,
            usage.busy_s + seconds,
        )


def _close_at_exit(engine: LocalEngine) -> None:
    # A daemon thread inside a matrix product while the interpreter goes down can crash the process.
    reference = weakref.ref(engine)

    def close() -> None:
        alive = reference()
        if alive is not None:
            alive.close()

    atexit.register(close)
