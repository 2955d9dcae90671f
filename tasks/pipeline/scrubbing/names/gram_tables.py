"""Weights of neighbouring word classes and parts of speech as dense arrays."""

import numpy as np
import numpy.typing as npt

from tasks.pipeline.scrubbing.names.assets import Weights
from tasks.pipeline.scrubbing.names.features import LABELS, TAG_DISTANCES, TAG_PAIRS

Floats = npt.NDArray[np.float32]

FORBIDDEN = -50.0
"""Score of a label that cannot follow its predecessor; ordinary scores stay within +-20."""


class GramTables:
    """Weights of neighbouring classes as dense arrays; class 0 stands for padding and for unseen classes."""

    def __init__(self, weights: Weights) -> None:
        keys = [key.split("|") for key in weights.grams if key[0] in "BCT" and "|" in key]
        self.kinds = {kind: i for i, kind in enumerate(sorted({k for key in keys for k in key[1:]}), start=1)}
        n, labels = len(self.kinds) + 1, len(LABELS)
        self.pairs = np.zeros((n, n, labels), np.float32)
        self.ahead = np.zeros((2, n, n, labels), np.float32)
        self.triples = np.zeros((n, n, n, labels), np.float32)
        tables = {"B": self.pairs, "C0": self.ahead[0], "C1": self.ahead[1], "T": self.triples}
        for key in keys:
            index = tuple(self.kinds[kind] for kind in key[1:])
            tables[key[0]][index] = weights.grams["|".join(key)]


class TagTables:
    """Weights of parts of speech as dense arrays; tag 0 stands for padding and for unseen tags."""

    def __init__(self, weights: Weights, kinds: dict[str, int]) -> None:
        keys = [key.split("|") for key in weights.grams if key[0] == "P"]
        tags = sorted({tag for key in keys for tag in (key[1:2] if key[0] == "PK" else key[1:])})
        self.ids = {tag: i for i, tag in enumerate(tags, start=1)}
        n, labels = len(self.ids) + 1, len(LABELS)
        self.single = np.zeros((len(TAG_DISTANCES), n, labels), np.float32)
        self.pairs = np.zeros((len(TAG_PAIRS), n, n, labels), np.float32)
        self.with_kind = np.zeros((n, len(kinds) + 1, labels), np.float32)
        for key in keys:
            self._set(key, kinds, weights.grams["|".join(key)])

    def _set(self, key: list[str], kinds: dict[str, int], weight: Floats) -> None:
        slot, first, *rest = key
        if slot == "PK":
            self.with_kind[self.ids[first], kinds.get(rest[0], 0)] = weight
        elif rest:
            self.pairs[int(slot[2:]), self.ids[first], self.ids[rest[0]]] = weight
        else:
            self.single[int(slot[1:]), self.ids[first]] = weight


def taken(table: Floats, places: npt.NDArray[np.int64]) -> Floats:
    """Return the rows of a table, its indices but for the last taken as one."""
    return table.reshape(-1, table.shape[-1]).take(places, axis=0)


def forbidden_transitions() -> Floats:
    """Return (labels, labels) penalties: a name goes on only after its own beginning."""
    penalty = np.zeros((len(LABELS), len(LABELS)), np.float32)
    penalty[[0, 3, 4], 2] = FORBIDDEN
    penalty[[0, 1, 2], 4] = FORBIDDEN
    return penalty
