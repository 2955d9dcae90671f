"""One file as a frame, whatever its format was."""

from dataclasses import dataclass, field

import pandas as pd

MAX_CELL = 1_000_000
"""Characters of one text at most; a longer one is a file that was not divided."""


@dataclass(frozen=True)
class Table:
    """Cells of one file, and what a user should know about how they were read."""

    name: str
    """Name of the file, for messages."""
    frame: pd.DataFrame
    """Text files give strings in every column, other formats give what they hold."""
    classes: dict[str, list[str]] = field(default_factory=dict)
    """Names of the ids of a column, where the format itself holds them (ClassLabel)."""
    notes: list[str] = field(default_factory=list)
    has_header: bool = True
