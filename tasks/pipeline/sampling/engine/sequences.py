"""What is being sampled: requests on their way, and texts in the making."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tasks.pipeline.sampling.engine.attention import GROUP_SIZE
from tasks.pipeline.sampling.engine.paged_cache import CacheSlot, Pages
from tasks.pipeline.sampling.engine.prefill import Prefill
from tasks.pipeline.sampling.engine.token_sampling import DRAWS_PER_TOKEN, Controls
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
    common_tokens: tuple[int, ...] = ()
    """Tokens that every prompt begins with."""

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
    log_ratio: float = 0.0
    """How much likelier its tokens are after the prompt than after the null prompt, in nats."""

    def reset(self) -> None:
        """Start over: the batch that held the sequence is gone."""
        self.tokens.clear()
        self.log_ratio = 0.0
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


def sample_of(sequence: SequenceState, limits: Limits) -> Sample | None:
    """The sequence's text if it is done: ended by the model, by a stop string, or by the length limit."""
    tokens = sequence.tokens
    if tokens[-1] in limits.end_tokens:
        return _sample(sequence, tokens[:-1], "stop", limits)
    if (
        sequence.job.request.stop
        and _cut(sequence.job.codec.decode(tokens), sequence.job.request.stop) is not None
    ):
        return _sample(sequence, tokens, "stop", limits)
    if len(tokens) == limits.max_new_tokens:
        return _sample(sequence, tokens, "length", limits)
    return None


def _sample(sequence: SequenceState, tokens: Sequence[int], finish: Finish, limits: Limits) -> Sample:
    text = sequence.job.codec.decode(tokens)
    cut = _cut(text, sequence.job.request.stop)
    polished = sequence.job.codec.polish(text if cut is None else cut)
    ratio = round(sequence.log_ratio, 4) if limits.n_branches == 2 else None
    return Sample(polished, finish, len(sequence.tokens), ratio)


def _cut(text: str, stop: Sequence[str]) -> str | None:
    """The text before the first stop string; None where there is none."""
    ends = [end for string in stop if (end := text.find(string)) >= 0]
    return text[: min(ends)] if ends else None
