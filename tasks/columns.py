"""Rows taken apart: by split, and column by column."""

from collections.abc import Sequence

import numpy as np

from tasks.records import Row

PARTS = ("train", "validation", "test")


def parts_of(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows of each part of the split."""
    return {part: [row for row in rows if row["split"] == part] for part in PARTS}


def texts_of(rows: Sequence[Row]) -> list[str]:
    """Text of every row."""
    return [row["text"] for row in rows]


def targets_of(rows: Sequence[Row]) -> np.ndarray:
    """Targets of every row: float64 (n_rows, n_labels), 0..1, or -1 where unknown."""
    return np.array([row["targets"] for row in rows], dtype=float)
