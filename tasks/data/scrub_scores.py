"""What was scrubbed, and what that changed."""

from typing import Any

from tasks.data.records import Record

Counts = dict[str, int]


class Rewrite(Record):
    """One text before and after; personal parts of the first stand there as types only."""

    about: str
    """The type that it shows, or what became of its labels."""
    before: str
    after: str


class LeakEstimate(Record):
    """What further passes over scrubbed texts find."""

    rows: int
    second_pass: Counts
    """By the same scrubber: what a pass leaves for the next."""
    high_recall_pass: Counts
    """By a scrubber that takes more words for names: an upper bound, false alarms included."""
    high_recall_rows: int


class Decisions(Record):
    """What the classifier makes of texts before and after scrubbing."""

    rows: int
    """Scrubbed texts that it read both ways."""
    changed: int
    gained: Counts
    """Texts per label that have it after scrubbing only."""
    lost: Counts
    """Texts per label that had it before scrubbing only."""
    examples: tuple[Rewrite, ...]


class ScrubSummary(Record):
    """Everything about the scrubbing of one run."""

    version: str
    settings: dict[str, Any]
    """The `ScrubbingConfig` as JSON."""
    rows: int
    rows_changed: int
    totals: Counts
    by_label: dict[str, Counts]
    by_topic: dict[str, Counts]
    flags: Counts
    examples: tuple[Rewrite, ...]
    leaks: LeakEstimate
    decisions: Decisions
