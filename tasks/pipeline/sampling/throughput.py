"""What sampling took, as it happened: the other half of `tasks.pipeline.planning.cost`."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class RoundThroughput:
    """What was asked for at once, and what came of it so far."""

    n_cells: int
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    """Until the last texts came."""
    n_texts: int = 0
    n_tokens: int = 0
    n_tokens_cached: int = 0
    """Of texts that lay in the results block already; they took no time, so no rate counts them."""

    def add(self, n_texts: int, n_tokens: int, from_cache: bool) -> None:
        """Count texts that have just come."""
        self.seconds = time.monotonic() - self.started
        self.n_texts += n_texts
        self.n_tokens += n_tokens
        self.n_tokens_cached += n_tokens if from_cache else 0

    @property
    def tokens_per_s(self) -> float:
        """Tokens sampled per second of the wall."""
        return (self.n_tokens - self.n_tokens_cached) / max(self.seconds, 1e-9)


def throughput_rows(rounds: Sequence[RoundThroughput], accepted: Sequence[int]) -> list[dict[str, object]]:
    """Rows of the run page, one per round, in the words of `--estimate`.

    Args:
        rounds: One per round so far.
        accepted: Texts that had passed every filter after each round.
    """
    gpu, rows, seconds = gpu_memory(), list[dict[str, object]](), 0.0
    for number, (round_, n_accepted) in enumerate(zip(rounds, accepted, strict=True), start=1):
        seconds += round_.seconds
        whole = not any(r.n_tokens_cached for r in rounds[:number])
        rows.append(
            {
                "round": number,
                "cells": round_.n_cells,
                "texts": round_.n_texts,
                "tokens": round_.n_tokens,
                "tokens from the cache": round_.n_tokens_cached,
                "seconds": round(round_.seconds, 1),
                "tokens/s": round(round_.tokens_per_s, 1),
                "accepted so far": n_accepted,
                "accepted texts/s": round(n_accepted / seconds, 2) if whole and seconds else "",
                "GPU memory at most": gpu,
            }
        )
    return rows


def gpu_memory() -> str:
    """Most GPU memory that this process held so far, beside what there is; `none` without a GPU in use."""
    torch = sys.modules.get("torch")  # where nothing imported it, nothing used a GPU
    if torch is None or not torch.cuda.is_initialized():
        return "none"
    held, there = torch.cuda.max_memory_reserved(), torch.cuda.get_device_properties(0).total_memory
    return f"{held / 2**30:.1f} of {there / 2**30:.1f} GiB"
