"""Continuous batching: sequences are added, gain a token per step, and are retired when finished."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tasks.pipeline.sampling.engine.attention import GROUP_SIZE
from tasks.pipeline.sampling.engine.memory import give_back_memory
from tasks.pipeline.sampling.engine.paged_cache import CacheSlot, PagedCache
from tasks.pipeline.sampling.engine.prefill import Prompts
from tasks.pipeline.sampling.engine.sequences import Job, Limits, SequenceState, sample_of
from tasks.pipeline.sampling.engine.token_sampling import draw, guide, log_probabilities, penalise


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
        self.prompts = Prompts(model, limits.prompts_together, limits.common_tokens)
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

    def free_cache(self) -> None:
        """Let go of all keys and values; no sequence may be held."""
        self.cache = PagedCache()
        give_back_memory()

    @torch.inference_mode()
    def admit(self, sequences: Sequence[SequenceState], coming: Sequence[Job] = ()) -> None:
        """Let sequences join, each with its prompt's keys and values and its first token.

        Args:
            sequences: As many as are free at most.
            coming: Requests that join next; their prompts may be computed beside those of the sequences.
        """
        fresh = {id(sequence.job): sequence.job for sequence in sequences if not sequence.job.prefills}
        self.n_prompt_tokens += self.prompts.prepare(
            [prompt for job in fresh.values() for prompt in job.prompts],
            [prompt for job in coming for prompt in job.prompts],
        )
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

    def _extend(self, sequences: Sequence[SequenceState], branch_scores: Tensor) -> None:
        """Draw each sequence's next token.

        Args:
            sequences: That gain one.
            branch_scores: Of the branches of each, (sequences x branches, vocabulary).
        """
        n_branches = self.limits.n_branches
        scores = self._shape(sequences, branch_scores).index_fill_(1, self.limits.suppress_tokens, -torch.inf)
        if (
            len(self.limits.begin_suppress_tokens) and not sequences[0].tokens
        ):  # sequences are admitted together
            scores.index_fill_(1, self.limits.begin_suppress_tokens, -torch.inf)
        uniforms = np.stack([sequence.uniforms[len(sequence.tokens)] for sequence in sequences])
        drawn = draw(scores, torch.from_numpy(uniforms).to(scores.device), self.limits.controls)
        ratios = [0.0] * len(sequences)
        if n_branches == 2:
            known = log_probabilities(branch_scores, drawn.repeat_interleave(2))
            ratios = (known[0::2] - known[1::2]).tolist()
        for sequence, token, ratio in zip(sequences, drawn.tolist(), ratios, strict=True):
            sequence.tokens.append(token)
            if token not in self.limits.end_tokens:
                sequence.log_ratio += ratio
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
            if sequence is None:
                continue
            sample = None if sequence.job.abandoned else sample_of(sequence, self.limits)
            if sample is None and not sequence.job.abandoned:
                continue
            if sample is not None:
                sequence.job.finish(sequence.number, sample)
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
