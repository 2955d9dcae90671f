"""Rows taken apart: by split, and column by column."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.data.records import Row

PARTS = ("train", "validation", "test")


def parts_of(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows of each part of the split."""
    return {part: [row for row in rows if row["split"] == part] for part in PARTS}


def texts_of(rows: Sequence[Row]) -> list[str]:
    """Text of every row."""
    return [row["text"] for row in rows]


def ids_of(rows: Sequence[Row]) -> NDArray[np.str_]:
    """Id of every row: (n_rows,)."""
    return np.array([row["id"] for row in rows], dtype=np.str_)


def targets_of(rows: Sequence[Row]) -> np.ndarray:
    """Targets to measure by: float64 (n_rows, n_labels).

    0 or 1 even where training gets beliefs in between, -1 where unknown.
    """
    targets = np.array([row["targets"] for row in rows], dtype=float)
    return np.where(targets < 0, targets, targets >= 0.5)
