"""The row of each word form in a table that grows with the words it meets."""

from collections.abc import Callable


class WordRows(dict[str, int]):
    """Rows by word; looking a new word up adds it.

    Args:
        add: Called with a new word; returns its row.
    """

    def __init__(self, add: Callable[[str], int]) -> None:
        super().__init__()
        self._add = add

    def __missing__(self, word: str) -> int:
        """Return the row of a new word."""
        return self._add(word)
