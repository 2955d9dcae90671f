"""One file as a frame, whatever its format was."""

from collections.abc import Callable, Sequence
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


def require_short(texts: Sequence[str], place: Callable[[int], str]) -> None:
    """Refuse a text that is a whole file.

    Args:
        texts: Texts in their order.
        place: File and row of the text at an index, for the message.

    Raises:
        ValueError: A text has more than `MAX_CELL` characters.
    """
    longest = max(range(len(texts)), key=lambda i: len(texts[i]), default=0)
    if texts and len(texts[longest]) > MAX_CELL:
        raise ValueError(
            f"{place(longest)} has a text of {len(texts[longest]):,} characters; expected at most "
            f"{MAX_CELL:,}. Divide it, or fix a quote that is never closed."
        )


def place_in(name: str, n_before: int = 0) -> Callable[[int], str]:
    """What `require_short` calls a row of a file of which so many rows came before."""
    return lambda row: f"{name} row {n_before + row + 1}"
