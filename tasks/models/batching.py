"""Batches of texts of similar length."""

from collections.abc import Sequence

import numpy as np


def length_buckets(
    lengths: Sequence[int], seed: int, max_rows: int | None = None, max_tokens: int | None = None
) -> list[list[int]]:
    """Group rows of like length into batches, in random order.

    Args:
        lengths: Tokens per row.
        seed: Decides which rows share a batch and the order of the batches.
        max_rows: Rows per batch at most.
        max_tokens: Rows times longest row per batch at most; a longer single row still makes a batch.

    Returns:
        Row indices per batch; every row exactly once.
    """
    rng = np.random.default_rng(seed)
    # Noise of two tokens keeps batches from being the same in every epoch at next to no padding.
    order = np.argsort(np.asarray(lengths) + rng.uniform(0, 2, len(lengths)), kind="stable")
    batches: list[list[int]] = [[]]
    longest = 0
    for i in order.tolist():
        rows = len(batches[-1]) + 1
        longest = max(longest, lengths[i])
        full = (max_rows and rows > max_rows) or (max_tokens and rows * longest > max_tokens)
        if full and batches[-1]:
            batches.append([])
            longest = lengths[i]
        batches[-1].append(i)
    return [batches[i] for i in rng.permutation(len(batches))] if batches[0] else []
