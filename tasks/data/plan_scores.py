"""What the rounds of sampling were asked for, and what came out."""

from tasks.data.records import Record
from tasks.taxonomy import Taxonomy


class CellFill(Record):
    """One (label set, topic) cell after the last round."""

    labels: tuple[str, ...]
    topic: str
    wanted: int
    accepted: int
    n_sampled: int
    reason: str = ""
    """Most frequent `stage: reason` among the rejects of a cell that is short."""
    n_reason: int = 0
    """Texts that were rejected for it."""


class Round(Record):
    """The state after one round of sampling."""

    number: int
    n_sampled: int
    """Texts sampled so far."""
    accepted: int
    """Texts that have passed every filter so far, those beyond the quota included."""
    missing: int
    """Texts that the cells still want."""
    tokens: int
    """Tokens sampled so far."""


class Plan(Record):
    """What was asked for and what came out."""

    cells: tuple[CellFill, ...]
    rounds: int
    """Rounds of sampling that were run."""
    ended: str = "filled"
    """Why sampling ended: `filled`, or the budget that ran out: `rounds`, `tokens`, `time`."""
    history: tuple[Round, ...] = ()

    def per_label(self, taxonomy: Taxonomy) -> dict[str, tuple[int, int]]:
        """(accepted, wanted) texts per label, counted over the label sets that hold it."""
        return {name: self.fill([c for c in self.cells if name in c.labels]) for name in taxonomy.names}

    @staticmethod
    def fill(cells: list[CellFill]) -> tuple[int, int]:
        """(accepted, wanted) texts of some cells."""
        return sum(cell.accepted for cell in cells), sum(cell.wanted for cell in cells)
