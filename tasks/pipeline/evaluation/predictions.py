"""What a classifier predicts for a test set."""

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.data.arrays import Matrix
from tasks.pipeline.decision.ordinal_levels import LinearRecalibration, predict_level
from tasks.pipeline.decision.thresholds import decide
from tasks.taxonomy import Taxonomy


class Predictions(NamedTuple):
    """What one model said about one test set; n texts."""

    ids: NDArray[np.str_]
    """(n,) of the rows."""
    probabilities: Matrix
    """(n, n_labels)."""
    thresholds: Matrix
    """(n_labels,), or (n, n_labels) where several models labelled the texts."""
    targets: Matrix
    """(n, n_labels) of 0 and 1, -1 where unknown."""
    levels: NDArray[np.int_]
    """(n,) levels, 1..n_labels; 0 for taxonomies without an order."""
    weights: Matrix
    """(n,) texts that each text stands for."""
    none_below: Matrix
    """(n,), see `decide`."""

    def rows(self, which: NDArray[np.int_]) -> "Predictions":
        """Some of the texts, by place."""
        shared = {"thresholds"} if self.thresholds.ndim == 1 else set()
        return self._replace(**{name: getattr(self, name)[which] for name in {*self._fields} - shared})

    @property
    def decided(self) -> Matrix:
        """(n, n_labels) of 0 and 1; an unknown label counts as rightly left out."""
        return np.where(self.targets < 0, 0.0, decide(self.probabilities, self.thresholds, self.none_below))

    @property
    def true(self) -> Matrix:
        """(n, n_labels) of 0 and 1; an unknown label counts as not there."""
        return np.maximum(self.targets, 0.0)


def joined(parts: Sequence[Predictions]) -> Predictions:
    """What several models said, each about texts of its own, as one: out-of-fold predictions."""
    wide = [p._replace(thresholds=np.broadcast_to(p.thresholds, p.probabilities.shape)) for p in parts]
    return Predictions(*(np.concatenate(arrays) for arrays in zip(*wide, strict=True)))


def to_bytes(found: Predictions) -> bytes:
    """One file of arrays; equal predictions give equal bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, **found._asdict())
    return buffer.getvalue()


def from_bytes(content: bytes) -> Predictions:
    """What `to_bytes` wrote; arrays alone, never code."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        found = {"none_below": np.zeros(len(arrays["ids"])), **arrays}  # runs before 0.3.0 have none
    return Predictions(**found)


def levels_of(
    probabilities: Matrix,
    levels: NDArray[np.int_] | None,
    recalibration: LinearRecalibration,
    taxonomy: Taxonomy,
) -> NDArray[np.int_]:
    """Levels, (n,): those of the ordinal head, else by the probabilities; 0 without an order."""
    if not taxonomy.ordinal:
        return np.zeros(len(probabilities), dtype=int)
    return predict_level(probabilities, recalibration) if levels is None else levels
