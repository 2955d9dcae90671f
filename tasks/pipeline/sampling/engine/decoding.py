"""Continuous batching: sequences are added, gain a token per step, and are retired when finished."""

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

from tasks.pipeline.sampling.engine.attention import GROUP_SIZE
from tasks.pipeline.sampling.engine.paged_cache import CacheSlot, PagedCache, Pages
from tasks.pipeline.sampling.engine.prefill import Prefill, Prompts
from tasks.pipeline.sampling.engine.token_sampling import DRAWS_PER_TOKEN, Controls, draw, guide, penalise
from tasks.pipeline.sampling.interface import Finish, Request, Sample
from tasks.pipeline.sampling.tokenization import PromptCodec


@dataclass(frozen=True)
class Limits:
    """What holds for every sequence of a batch."""

    max_new_tokens: int
    batch_size: int
    end_tokens: frozenset[int]
    suppress_tokens: Tensor
    """Tokens that no text may contain, (tokens,), int64."""
    controls: Controls
    begin_suppress_tokens: Tensor
    """Tokens that no text may begin with, (tokens,), int64."""
    repetition_penalty: float = 1.0
    guidance_scale: float = 1.0
    prompts_together: bool = False
    """Whether short prompts may be computed side by side."""

    @property
    def n_branches(self) -> int:
        """Forward passes per text: with guidance, a conditional and an unconditional one."""
        return 2 if self.guidance_scale > 1.0 else 1


@dataclass
class Job:
    """A request on its way."""

    request: Request
    prompts: list[list[int]]
    """Token ids, one prompt per lane."""
    codec: PromptCodec
    max_new_tokens: int
    future: "Future[list[Sample]]" = field(default_factory=Future)
    prefills: list[Prefill] = field(default_factory=list)
    blocks: dict[int, list[int]] = field(default_factory=dict)
    """Prefix blocks of the prompts, one per slot of the model, for every `GROUP_SIZE` sequences that have
    joined."""
    n_members: Counter[int] = field(default_factory=Counter)
    """Sequences at those tiles."""
    done: dict[int, Sample] = field(default_factory=dict)
    abandoned: bool = False

    @property
    def n_prompt(self) -> int:
        """Tokens of the longest prompt."""
        return max(map(len, self.prompts))

    def reset(self) -> None:
        """Drop what was computed: the batch that held it is gone."""
        self.prefills.clear()
        self.blocks.clear()
        self.n_members.clear()

    def finish(self, number: int, sample: Sample) -> None:
        """Take a finished text; the last one wakes the caller."""
        self.done[number] = sample
        if len(self.done) == self.request.n:
            self.future.set_result([self.done[i] for i in range(self.request.n)])


@dataclass
class SequenceState:
    """One text in the making."""

    job: Job
    number: int
    tokens: list[int] = field(default_factory=list)
    pages: list[Pages] = field(default_factory=lambda: [[], []])
    """Pages after the prompt and after the null prompt."""

    def reset(self) -> None:
        """Start over: the batch that held the sequence is gone."""
        self.tokens.clear()
        self.pages = [[], []]
        self.job.reset()

    def cache_slot(self, branch: int) -> CacheSlot:
        """Where the sequence's keys and values lie after its prompt (0) or null prompt (1)."""
        block = self.job.blocks[self.number // GROUP_SIZE][branch]
        return CacheSlot(
            block * GROUP_SIZE + self.number % GROUP_SIZE, self.pages[branch], len(self.tokens) - 1
        )

    @cached_property
    def uniforms(self) -> NDArray[np.float32]:
        """The sequence's own random numbers, (max_new_tokens, `DRAWS_PER_TOKEN`), in [0, 1).

        The request's seed and the sequence's number decide them, and nothing else.
        """
        source = np.random.default_rng([self.job.request.seed, self.number])
        return source.random((self.job.max_new_tokens, DRAWS_PER_TOKEN), dtype=np.float32)


def score_next(
    model: Any, cache: PagedCache, tokens: Sequence[int], cache_slots: Sequence[CacheSlot | None], width: int
) -> Tensor:
    """Feed one token per sequence and return the scores of the next, (sequences, vocabulary), fp32.

    The batch is filled up to `width` with idle sequences, so that the shape of every matrix product is one of
    few.

    Args:
        model: A causal language model whose attention is `ATTENTION`.
        cache: What the cache slots refer to.
        tokens: The newest token of each sequence.
        cache_slots: Where its keys and values lie; None where the sequence is idle.
        width: Sequences of the forward pass.
    """
    n_idle = width - len(tokens)
    positions = cache.open_window([*cache_slots, *[None] * n_idle])
    ids = torch.tensor([*tokens, *[0] * n_idle], device=model.device)
    output = model(
        input_ids=ids[:, None],
        attention_mask=cache.mask,
        position_ids=positions[:, None],
        past_key_values=cache.kv_cache,
        use_cache=True,
    )
    scores: Tensor = output.logits[: len(tokens), -1].float()
    return scores


class Batch:
    """Sequences in slots; one that is finished makes room for the next."""

    def __init__(self, model: Any, limits: Limits, widths: Sequence[int]) -> None:
        self.model, self.limits, self.widths = model, limits, sorted(widths)
        self.prompts = Prompts(model, limits.prompts_together)
        self.cache = PagedCache()
        self.slots: list[SequenceState | None] = [None] * limits.batch_size
        self.n_prompt_tokens = 0
        self.n_new_tokens = 0

    @property
    def sequences(self) -> list[SequenceState]:
        """Texts in the making."""
        return [sequence for sequence in self.slots if sequence is not None]

    @property
    def n_free(self) -> int:
        """Sequences that can join."""
        return self.slots.count(None)

    @torch.inference_mode()
    def admit(self, sequences: Sequence[SequenceState]) -> None:
        """Let sequences join, each with its prompt's keys and values and its first token."""
        fresh = {id(sequence.job): sequence.job for sequence in sequences if not sequence.job.prefills}
        self.n_prompt_tokens += self.prompts.prepare([p for job in fresh.values() for p in job.prompts])
        free = (slot for slot, held in enumerate(self.slots) if held is None)
        for slot, sequence in zip(list(free), sequences, strict=False):
            self.slots[slot] = sequence
            self._add_sequence(sequence)
        scores = [prefill.logits for sequence in sequences for prefill in sequence.job.prefills]
        self._extend(sequences, torch.stack(scores))
        self._retire_finished()

    @torch.inference_mode()
    def step(self) -> None:
        """Give every sequence its next token."""
        self._compact()
        n_branches = self.limits.n_branches
        slots = self.slots[: 1 + max(slot for slot, sequence in enumerate(self.slots) if sequence)]
        tokens = [sequence.tokens[-1] if sequence else 0 for sequence in slots for _ in range(n_branches)]
        cache_slots = [
            sequence.cache_slot(branch) if sequence else None
            for sequence in slots
            for branch in range(n_branches)
        ]
        scores = score_next(self.model, self.cache, tokens, cache_slots, self._width(len(slots)))
        if None in slots:
            live = [
                slot * n_branches + i
                for slot, sequence in enumerate(slots)
                if sequence
                for i in range(n_branches)
            ]
            scores = scores[live]
        self._extend(self.sequences, scores)
        self._retire_finished()

    def _width(self, n_slots: int) -> int:
        return next(width for width in self.widths if width >= n_slots * self.limits.n_branches)

    def _add_sequence(self, sequence: SequenceState) -> None:
        """Assign a sequence to the prefix blocks of its prompt, filling them first where needed."""
        job, group = sequence.job, sequence.number // GROUP_SIZE
        if not job.prefills:
            job.prefills = [self.prompts.prefill(prompt) for prompt in job.prompts]
            self.n_prompt_tokens += sum(prefill.n_computed for prefill in job.prefills)
        if group not in job.blocks:
            job.blocks[group] = [self.cache.add_prefix(prefill.layers) for prefill in job.prefills]
        job.n_members[group] += 1

    def _finish_sequence(self, sequence: SequenceState) -> None:
        job, group = sequence.job, sequence.number // GROUP_SIZE
        job.n_members[group] -= 1
        if not job.n_members[group]:
            for block in job.blocks.pop(group):
                self.cache.free_block(block)
        for pages in sequence.pages:
            self.cache.free_pages(pages)

    def _extend(self, sequences: Sequence[SequenceState], scores: Tensor) -> None:
        scores = self._shape(sequences, scores).index_fill_(1, self.limits.suppress_tokens, -torch.inf)
        if (
            len(self.limits.begin_suppress_tokens) and not sequences[0].tokens
        ):  # sequences are admitted together
            scores.index_fill_(1, self.limits.begin_suppress_tokens, -torch.inf)
        uniforms = np.stack([sequence.uniforms[len(sequence.tokens)] for sequence in sequences])
        tokens = draw(scores, torch.from_numpy(uniforms).to(scores.device), self.limits.controls)
        for sequence, token in zip(sequences, tokens.tolist(), strict=True):
            sequence.tokens.append(token)
        self.n_new_tokens += len(sequences)

    def _shape(self, sequences: Sequence[SequenceState], scores: Tensor) -> Tensor:
        """Scores with guidance and repetition penalty, (sequences, vocabulary)."""
        if self.limits.n_branches == 2:
            scores = guide(scores[0::2], scores[1::2], self.limits.guidance_scale)
        if self.limits.repetition_penalty > 1.0:
            written = torch.zeros_like(scores, dtype=torch.bool)
            for slot, sequence in enumerate(sequences):
                written[slot, sequence.tokens] = True
            scores = penalise(scores, written, self.limits.repetition_penalty)
        return scores

    def _retire_finished(self) -> None:
        """Hand out finished texts; their slots wait for the next rows."""
        for slot, sequence in enumerate(self.slots):
            if sequence is not None and self._finish_if_done(sequence):
                self.slots[slot] = None
                self._finish_sequence(sequence)

    def _compact(self) -> None:
        """Move the last sequences into empty slots where that makes the forward pass narrower."""
        n_rows = len(self.sequences)
        if self._width(n_rows) == self._width(
            1 + max(slot for slot, sequence in enumerate(self.slots) if sequence)
        ):
            return
        gaps = [slot for slot in range(n_rows) if self.slots[slot] is None]
        movers = [slot for slot in range(n_rows, len(self.slots)) if self.slots[slot] is not None]
        for gap, mover in zip(gaps, movers, strict=True):
            self.slots[gap], self.slots[mover] = self.slots[mover], None

    def _finish_if_done(self, sequence: SequenceState) -> bool:
        if sequence.job.abandoned:
            return True
        sample = sample_of(sequence, self.limits)
        if sample is not None:
            sequence.job.finish(sequence.number, sample)
        return sample is not None


def sample_of(sequence: SequenceState, limits: Limits) -> Sample | None:
    """The sequence's text if it is done: ended by the model, by a stop string, or by the length limit."""
    tokens = sequence.tokens
    if tokens[-1] in limits.end_tokens:
        return _sample(sequence, tokens[:-1], "stop")
    if (
        sequence.job.request.stop
        and _cut(sequence.job.codec.decode(tokens), sequence.job.request.stop) is not None
    ):
        return _sample(sequence, tokens, "stop")
    if len(tokens) == limits.max_new_tokens:
        return _sample(sequence, tokens, "length")
    return None


def _sample(sequence: SequenceState, tokens: Sequence[int], finish: Finish) -> Sample:
    text = sequence.job.codec.decode(tokens)
    cut = _cut(text, sequence.job.request.stop)
    return Sample(sequence.job.codec.polish(text if cut is None else cut), finish, len(sequence.tokens))


def _cut(text: str, stop: Sequence[str]) -> str | None:
    """The text before the first stop string; None where there is none."""
    ends = [end for string in stop if (end := text.find(string)) >= 0]
    return text[: min(ends)] if ends else None
