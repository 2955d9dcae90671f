"""One decode batch: rows join, gain a token per step, and leave when their text is done."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.pipeline.sampling.engine.attention import LANES
from tasks.pipeline.sampling.engine.paged_cache import Pages, Seat, Slots
from tasks.pipeline.sampling.engine.prefill import Prefill, Prompts
from tasks.pipeline.sampling.engine.token_sampling import DRAWS_PER_TOKEN, Controls, draw, guide, penalise
from tasks.pipeline.sampling.interface import Finish, Request, Sample
from tasks.pipeline.sampling.tokenization import Wording


@dataclass(frozen=True)
class Limits:
    """What holds for every row of a batch."""

    max_new_tokens: int
    batch_size: int
    end_tokens: frozenset[int]
    banned: Tensor
    """Tokens that no text may contain, (tokens,), int64."""
    controls: Controls
    not_first: Tensor
    """Tokens that no text may begin with, (tokens,), int64."""
    repetition_penalty: float = 1.0
    guidance: float = 1.0
    prompts_together: bool = False
    """Whether short prompts may be computed side by side."""

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
    tiles: dict[int, list[int]] = field(default_factory=dict)
    """Tiles of the prompts, one per lane of the model, for every `LANES` rows that have joined."""
    seated: Counter[int] = field(default_factory=Counter)
    """Rows at those tiles."""
    done: dict[int, Sample] = field(default_factory=dict)
    abandoned: bool = False

    @property
    def n_prompt(self) -> int:
        """Tokens of the longest prompt."""
        return max(map(len, self.prompts))

    def forget(self) -> None:
        """Drop what was computed: the batch that held it is gone."""
        self.prefills.clear()
        self.tiles.clear()
        self.seated.clear()

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
    pages: list[Pages] = field(default_factory=lambda: [[], []])
    """Pages after the prompt and after the null prompt."""

    def forget(self) -> None:
        """Start over: the batch that held the row is gone."""
        self.tokens.clear()
        self.pages = [[], []]
        self.job.forget()

    def seat(self, lane: int) -> Seat:
        """Where the row's keys and values lie after its prompt (0) or null prompt (1)."""
        tile = self.job.tiles[self.number // LANES][lane]
        return Seat(tile * LANES + self.number % LANES, self.pages[lane], len(self.tokens) - 1)

    @cached_property
    def uniforms(self) -> NDArray[np.float32]:
        """The row's own random numbers, (max_new_tokens, `DRAWS_PER_TOKEN`), in [0, 1).

        The request's seed and the row's number decide them, and nothing else.
        """
        source = np.random.default_rng([self.job.request.seed, self.number])
        return source.random((self.job.max_new_tokens, DRAWS_PER_TOKEN), dtype=np.float32)


def score_next(
    model: Any, slots: Slots, tokens: Sequence[int], seats: Sequence[Seat | None], width: int
) -> Tensor:
    """Feed one token per row and return the scores of the next, (rows, vocabulary), fp32.

    The batch is filled up to `width` with idle rows, so that the shape of every matrix product is one of few.

    Args:
        model: A causal language model whose attention is `ATTENTION`.
        slots: What the seats refer to.
        tokens: The newest token of each row.
        seats: Where its keys and values lie; None where the row is idle.
        width: Rows of the forward pass.
    """
    n_idle = width - len(tokens)
    positions = slots.open_window([*seats, *[None] * n_idle])
    ids = torch.tensor([*tokens, *[0] * n_idle], device=model.device)
    output = model(
        input_ids=ids[:, None],
        attention_mask=slots.mask,
        position_ids=positions[:, None],
        past_key_values=slots.cache,
        use_cache=True,
    )
    scores: Tensor = output.logits[: len(tokens), -1].float()
    return scores


class Batch:
    """Rows in places; a row that leaves makes room for the next."""

    def __init__(self, model: Any, limits: Limits, widths: Sequence[int]) -> None:
        self.model, self.limits, self.widths = model, limits, sorted(widths)
        self.prompts = Prompts(model, limits.prompts_together)
        self.slots = Slots()
        self.places: list[Row | None] = [None] * limits.batch_size
        self.n_prompt_tokens = 0
        self.n_new_tokens = 0

    @property
    def rows(self) -> list[Row]:
        """Texts in the making."""
        return [row for row in self.places if row is not None]

    @property
    def n_free(self) -> int:
        """Rows that can join."""
        return self.places.count(None)

    @torch.inference_mode()
    def admit(self, rows: Sequence[Row]) -> None:
        """Let rows join, each with its prompt's keys and values and its first token."""
        fresh = {id(row.job): row.job for row in rows if not row.job.prefills}
        self.n_prompt_tokens += self.prompts.prepare([p for job in fresh.values() for p in job.prompts])
        free = (place for place, held in enumerate(self.places) if held is None)
        for place, row in zip(list(free), rows, strict=False):
            self.places[place] = row
            self._join(row)
        scores = [prefill.logits for row in rows for prefill in row.job.prefills]
        self._extend(rows, torch.stack(scores))
        self._dismiss()

    @torch.inference_mode()
    def step(self) -> None:
        """Give every row its next token."""
        self._close_ranks()
        n_lanes = self.limits.n_lanes
        places = self.places[: 1 + max(place for place, row in enumerate(self.places) if row)]
        tokens = [row.tokens[-1] if row else 0 for row in places for _ in range(n_lanes)]
        seats = [row.seat(lane) if row else None for row in places for lane in range(n_lanes)]
        scores = score_next(self.model, self.slots, tokens, seats, self._width(len(places)))
        if None in places:
            live = [place * n_lanes + i for place, row in enumerate(places) if row for i in range(n_lanes)]
            scores = scores[live]
        self._extend(self.rows, scores)
        self._dismiss()

    def _width(self, n_places: int) -> int:
        return next(width for width in self.widths if width >= n_places * self.limits.n_lanes)

    def _join(self, row: Row) -> None:
        """Take a seat at the tiles of the row's prompt, laying them first where need be."""
        job, bench = row.job, row.number // LANES
        if not job.prefills:
            job.prefills = [self.prompts.prefill(prompt) for prompt in job.prompts]
            self.n_prompt_tokens += sum(prefill.n_computed for prefill in job.prefills)
        if bench not in job.tiles:
            job.tiles[bench] = [self.slots.place(prefill.layers) for prefill in job.prefills]
        job.seated[bench] += 1

    def _leave(self, row: Row) -> None:
        job, bench = row.job, row.number // LANES
        job.seated[bench] -= 1
        if not job.seated[bench]:
            for tile in job.tiles.pop(bench):
                self.slots.free_tile(tile)
        for pages in row.pages:
            self.slots.free_pages(pages)

    def _extend(self, rows: Sequence[Row], scores: Tensor) -> None:
        scores = self._shape(rows, scores).index_fill_(1, self.limits.banned, -torch.inf)
        if len(self.limits.not_first) and not rows[0].tokens:  # rows are admitted together
            scores.index_fill_(1, self.limits.not_first, -torch.inf)
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
        """Hand out finished texts; their places wait for the next rows."""
        for place, row in enumerate(self.places):
            if row is not None and self._is_done(row):
                self.places[place] = None
                self._leave(row)

    def _close_ranks(self) -> None:
        """Move the last rows into empty places where that makes the forward pass narrower."""
        n_rows = len(self.rows)
        if self._width(n_rows) == self._width(1 + max(place for place, row in enumerate(self.places) if row)):
            return
        gaps = [place for place in range(n_rows) if self.places[place] is None]
        movers = [place for place in range(n_rows, len(self.places)) if self.places[place] is not None]
        for gap, mover in zip(gaps, movers, strict=True):
            self.places[gap], self.places[mover] = self.places[mover], None

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
