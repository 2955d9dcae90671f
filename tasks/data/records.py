"""What travels between stages: small, frozen, JSON-able records, and the row of a data set."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from pydantic import BaseModel, ConfigDict

COUNTERFACTUAL = "counterfactual"
"""`Row.source` of rows that a fairness correction made; no data set that is published has any."""
LOG_RATIO = "log_ratio"
"""Key of `Row.votes`: how much likelier the generator found the text with its labels in the prompt than
without any, in nats; a by-product of sampling with guidance."""


UNLABELLED = "unlabelled"
"""`Row.source` of rows that people wrote and votes labelled."""


class Record(BaseModel):
    """Base of everything that a task takes or returns."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Segment(TypedDict):
    """Part of a mixed text that carries one stance."""

    start: int
    """Place of its first character in the text; `end` is one beyond its last."""
    end: int
    label: str


class Row(TypedDict):
    """One labelled text with its whole history; the columns of every Parquet file."""

    id: str
    text: str
    labels: list[str]
    level: int | None
    """Place on an ordinal taxonomy, 1 .. number of levels; None where there is no order or no one level."""
    targets: list[float]
    """One target per label of the taxonomy, 0..1; -1 marks a label that the loss leaves out."""
    weight: float
    """How much the row counts in the loss; 1 unless synthetic rows are weighed against real ones."""
    topic: str
    scenario: str
    style: str
    prompt_id: str
    prompt: str
    generator: str
    revision: str
    seed: int
    round: int
    source: str
    """`synthetic`, `real`, UNLABELLED, or COUNTERFACTUAL."""
    votes: dict[str, float]
    scrubbed: dict[str, int]
    """Replacements per entity type."""
    group: str
    """Rows with the same group are near-duplicates and never cross a split."""
    split: str
    """`train`, `validation`, `test`, or empty before the split."""
    segments: list[Segment]
    """Stances of a mixed text, in their order; empty for every other text."""


class Reject(TypedDict):
    """A row that a stage did not keep."""

    row: Row
    stage: str
    reason: str


@dataclass(frozen=True)
class FilterResult:
    """Rows that a stage kept, and rows that it rejected, each with its reason."""

    kept: list[Row]
    rejects: list[Reject] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Rejects per `stage: reason`, most frequent first."""
        return dict(Counter(f"{r['stage']}: {r['reason']}" for r in self.rejects).most_common())


class Cell(Record):
    """One (label set, topic) pair and the number of texts that it still wants."""

    labels: tuple[str, ...]
    topic: str
    wanted: int
    n_to_sample: int
    """Texts to sample in this round: `wanted` over the expected acceptance rate."""
    round: int
    seed: int

    @property
    def key(self) -> str:
        """Name of the cell across rounds."""
        return f"{'+'.join(self.labels)} | {self.topic}"


def reject(rows: Sequence[Row], stage: str, reason: str) -> list[Reject]:
    """Mark rows as dropped by a stage for one reason."""
    return [Reject(row=row, stage=stage, reason=reason) for row in rows]


def cell_key(row: Row) -> str:
    """`Cell.key` of the cell that a synthetic row was sampled for."""
    return f"{'+'.join(row['labels'])} | {row['topic']}"


def cell_keys(row: Row) -> list[str]:
    """`Cell.key` of every cell that a row was sampled for: two where two texts were joined into one."""
    halves = [f"{segment['label']} | {row['topic']}" for segment in row["segments"]]
    return halves or [cell_key(row)]
