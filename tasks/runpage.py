"""What the Prefect run page shows of a run: progress, tables and links, under keys that keep history."""

import re
import time
from collections.abc import Mapping, Sequence
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from tasks.records import Cell

EVERY_S = 2.0


class Progress:
    """Progress of one stage on the run page; updated at most every two seconds, for each costs a request."""

    def __init__(self, stage: str) -> None:
        created = create_progress_artifact(progress=0.0, key=f"{slug(stage)}-progress", description=stage)
        self._id: UUID = created  # type: ignore[assignment]
        self._last = time.monotonic()

    def __call__(self, share: float) -> None:
        """Show a share done, 0..1."""
        now = time.monotonic()
        if share >= 1.0 or now - self._last >= EVERY_S:
            self._last = now
            update_progress_artifact(artifact_id=self._id, progress=min(100.0, 100.0 * share))


def slug(name: str) -> str:
    """Artifact key of a name: lower case, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def show_cells(cells: Sequence[Cell], accepted: Mapping[str, int], round_: int) -> None:
    """Accepted and wanted texts per label set (rows) and topic (columns)."""
    topics = sorted({cell.topic for cell in cells})
    table: dict[tuple[str, ...], dict[str, object]] = {}
    for cell in cells:
        row = table.setdefault(cell.labels, {"labels": ", ".join(cell.labels), **dict.fromkeys(topics, "")})
        row[cell.topic] = f"{min(accepted.get(cell.key, 0), cell.wanted)}/{cell.wanted}"
    create_table_artifact(
        table=list(table.values()), key="accepted-wanted", description=f"Accepted/wanted after round {round_}"
    )


def show_counts(key: str, counts: Mapping[str, int], description: str) -> None:
    """Counts by reason or kind, the most frequent first."""
    rows = [{"what": k, "texts": n} for k, n in sorted(counts.items(), key=lambda item: -item[1])]
    create_table_artifact(table=rows or [{"what": "none", "texts": 0}], key=key, description=description)


def show_table(key: str, rows: list[dict[str, object]], description: str) -> None:
    """Any table; numbers must be plain Python numbers."""
    create_table_artifact(table=rows, key=key, description=description)


def show_page(key: str, markdown: str, description: str) -> None:
    """A page of Markdown."""
    create_markdown_artifact(markdown=markdown, key=key, description=description)
