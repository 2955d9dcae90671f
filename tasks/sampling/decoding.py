"""One decode batch: rows join, gain a token per step, and leave when their text is done."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.sampling.contract import Finish, Request, Sample
from tasks.sampling.drawing import DRAWS_PER_TOKEN, Controls, draw, guide, penalise
from tasks.sampling.prefill import Prefill, Prompts
from tasks.sampling.slots import Slots
from tasks.sampling.wording import Wording


@dataclass(frozen=True)
class Limits:
    """What holds for every row of a batch."""

    max_new_tokens: int
    batch_size: int
    end_tokens: frozenset[int]
    banned: Tensor
    """True for tokens that no text may contain, (vocabulary,)."""
    controls: Controls
    repetition_penalty: float = 1.0
    guidance: float = 1.0

    @property
    def n_lanes(self) -> int:
        """Rows of the model per text: with guidance, one with the prompt and one with the null prompt."""
        return 2 if self.guidance > 1.0 else 1


@dataclass
class Job:
    """A request on its way."""

    request: Request
    prompts: list[list[int]]
    """Token ids, one prompt per lane."""
    wording: Wording
    max_new_tokens: int
    future: "Future[list[Sample]]" = field(default_factory=Future)
    prefills: list[Prefill] = field(default_factory=list)
    done: dict[int, Sample] = field(default_factory=dict)
    abandoned: bool = False

    def finish(self, number: int, sample: Sample) -> None:
        """Take a finished text; the last one wakes the caller."""
        self.done[number] = sample
        if len(self.done) == self.request.k:
            self.future.set_result([self.done[i] for i in range(self.request.k)])


@dataclass
class Row:
    """One text in the making."""

    job: Job
    number: int
    tokens: list[int] = field(default_factory=list)

    @cached_property
    def uniforms(self) -> NDArray[np.float32]:
        """The row's own random numbers, (max_new_tokens, `DRAWS_PER_TOKEN`), in [0, 1).

        The request's seed and the row's number decide them, and nothing else.
        """
        source = np.random.default_rng([self.job.request.seed, self.number])
        return source.random((self.job.max_new_tokens, DRAWS_PER_TOKEN), dtype=np.float32)


def score_next(
    model: Any, slots: Slots, tokens: Sequence[int], positions: Sequence[int], width: int
) -> Tensor:
    """Feed one token per row and return the scores of the next, (rows, vocabulary), fp32.

    The batch is filled up to `width` with idle rows, so that the shape of every matrix product is one of few.
    """
    idle = [0] * (width - len(tokens))
    device = model.device
    ids = torch.tensor([*tokens, *idle], device=device)
    places = torch.tensor([*positions, *idle], device=device)
    slots.open_window(places, max(positions) + 1)
    output = model(
        input_ids=ids[:, None],
        attention_mask=slots.mask(places, model.dtype),
        position_ids=places[:, None],
        past_key_values=slots.cache,
        use_cache=True,
    )
    scores: Tensor = output.logits[: len(tokens), -1].float()
    return scores


class Batch:
    """Rows 0 .. n-1 own the first n x lanes slots; nothing else does."""

    def __init__(self, model: Any, limits: Limits, widths: Sequence[int]) -> None:
        self.model, self.limits, self.widths = model, limits, sorted(widths)
        self.prompts = Prompts(model)
        self.slots = Slots(self.widths[-1])
        self.rows: list[Row] = []
        self.n_prompt_tokens = 0
        self.n_new_tokens = 0

    @property
    def n_free(self) -> int:
        """Rows that can join."""
        return self.limits.batch_size - len(self.rows)

    @torch.inference_mode()
    def admit(self, rows: Sequence[Row]) -> None:
        """Let rows join, each with its prompt's keys and values and its first token."""
        first = len(self.rows)
        self.rows.extend(rows)
        for _, group in groupby(range(first, len(self.rows)), key=lambda place: id(self.rows[place].job)):
            self._place(list(group))
        scores = [prefill.logits for row in rows for prefill in row.job.prefills]
        self._extend(rows, torch.stack(scores))
        self._dismiss()

    @torch.inference_mode()
    def step(self) -> None:
        """Give every row its next token."""
        tokens = [row.tokens[-1] for row in self.rows for _ in row.job.prompts]
        positions = [len(prompt) + len(row.tokens) - 1 for row in self.rows for prompt in row.job.prompts]
        width = next(width for width in self.widths if width >= len(tokens))
        self._extend(self.rows, score_next(self.model, self.slots, tokens, positions, width))
        self._dismiss()

    def _place(self, places: Sequence[int]) -> None:
        job, n_lanes = self.rows[places[0]].job, self.limits.n_lanes
        if not job.prefills:
            job.prefills = [self.prompts.prefill(prompt) for prompt in job.prompts]
            self.n_prompt_tokens += sum(prefill.n_computed for prefill in job.prefills)
        for lane, prefill in enumerate(job.prefills):
            n_tokens = prefill.n_tokens + self.limits.max_new_tokens
            self.slots.place([place * n_lanes + lane for place in places], prefill.layers, n_tokens)

    def _extend(self, rows: Sequence[Row], scores: Tensor) -> None:
        scores = self._shape(rows, scores).masked_fill_(self.limits.banned, -torch.inf)
        uniforms = np.stack([row.uniforms[len(row.tokens)] for row in rows])
        tokens = draw(scores, torch.from_numpy(uniforms).to(scores.device), self.limits.controls)
        for row, token in zip(rows, tokens.tolist(), strict=True):
            row.tokens.append(token)
        self.n_new_tokens += len(rows)

    def _shape(self, rows: Sequence[Row], scores: Tensor) -> Tensor:
        """Scores with guidance and repetition penalty, (rows, vocabulary)."""
        if self.limits.n_lanes == 2:
            scores = guide(scores[0::2], scores[1::2], self.limits.guidance)
        if self.limits.repetition_penalty > 1.0:
            written = torch.zeros_like(scores, dtype=torch.bool)
            for place, row in enumerate(rows):
                written[place, row.tokens] = True
            scores = penalise(scores, written, self.limits.repetition_penalty)
        return scores

    def _dismiss(self) -> None:
        """Hand out finished texts and move the last rows into the places that fall free."""
        leaving = {place for place, row in enumerate(self.rows) if self._is_done(row)}
        n_left = len(self.rows) - len(leaving)
        gaps = [place for place in leaving if place < n_left]
        movers = [place for place in range(n_left, len(self.rows)) if place not in leaving]
        for gap, mover in zip(gaps, movers, strict=True):
            self.rows[gap] = self.rows[mover]
        del self.rows[n_left:]
        lanes = range(self.limits.n_lanes)
        self.slots.move(
            [mover * len(lanes) + lane for mover in movers for lane in lanes],
            [gap * len(lanes) + lane for gap in gaps for lane in lanes],
        )

    def _is_done(self, row: Row) -> bool:
        if row.job.abandoned:
            return True
        sample = sample_of(row, self.limits)
        if sample is not None:
            row.job.finish(row.number, sample)
        return sample is not None


def sample_of(row: Row, limits: Limits) -> Sample | None:
    """The row's text if it is done: ended by the model, by a stop string, or by the length limit."""
    tokens = row.tokens
    if tokens[-1] in limits.end_tokens:
        return _sample(row, tokens[:-1], "stop")
    if row.job.request.stop and _cut(row.job.wording.decode(tokens), row.job.request.stop) is not None:
        return _sample(row, tokens, "stop")
    if len(tokens) == limits.max_new_tokens:
        return _sample(row, tokens, "length")
    return None


def _sample(row: Row, tokens: Sequence[int], finish: Finish) -> Sample:
    text = row.job.wording.decode(tokens)
    cut = _cut(text, row.job.request.stop)
    return Sample(row.job.wording.polish(text if cut is None else cut), finish, len(row.tokens))


def _cut(text: str, stop: Sequence[str]) -> str | None:
    """The text before the first stop string; None where there is none."""
    ends = [end for string in stop if (end := text.find(string)) >= 0]
    return text[: min(ends)] if ends else None
