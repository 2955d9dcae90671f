"""What a flow returns."""

from tasks.data.records import Record


class Outcome(Record):
    """Whether a run became champion."""

    champion: bool
    reasons: tuple[str, ...] = ()
    """Why it stays a candidate; empty for a champion."""

    def __str__(self) -> str:
        """In one sentence."""
        return "champion" if self.champion else f"candidate: {'; '.join(self.reasons)}"


class RunSummary(Record):
    """What a run left, and what it is worth."""

    run: str
    folder: str
    report: str
    n_rows: int
    outcome: Outcome


class Decision(Record):
    """What a person said about a run, or what silence means."""

    approved: bool = True
    exclude: tuple[str, ...] = ()
    """Ids of rows that must go."""
    reason: str = ""
    """Why the run stays a candidate."""


class AblationSummary(Record):
    """What the protocol found."""

    path: str
    """Every figure, as JSON."""
    report: str
    """The page that shows them."""
    title: str
    """What was measured, on what, with how many rows and seeds."""
    table: tuple[str, ...]
    """Rows of the table as JSON."""
