"""Texts that say the same in other words: SemHash over MiniLM's embeddings, which need no network."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.models.embedding import embed


class _MiniLM:
    """MiniLM as SemHash's `Encoder`; its own default would be fetched from the hub."""

    def encode(self, inputs: Sequence[str], **_: Any) -> np.ndarray:
        return embed(list(inputs), "embed texts")


def same_meaning(texts: Sequence[str], known: Sequence[str], similarity: float) -> list[bool]:
    """Tell which texts say what an earlier or a known text says.

    Args:
        texts: Texts in the order of precedence.
        known: Texts that were accepted before.
        similarity: Cosine of sentence embeddings from which two texts count as one, 0..1.

    Raises:
        ModuleNotFoundError: if SemHash is not installed.
    """
    # An extra of ours: the stage is off by default.
    from semhash import SemHash

    encoder = _MiniLM()
    left = list(texts)
    if known and left:
        index = SemHash.from_records(list(known), model=encoder)
        left = index.deduplicate(left, threshold=similarity).selected
    if left:
        left = SemHash.from_records(left, model=encoder).self_deduplicate(threshold=similarity).selected
    told, fresh = set[str](), set(left)
    repeated = []
    for text in texts:
        repeated.append(text not in fresh or text in told)
        told.add(text)
    return repeated
