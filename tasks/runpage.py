"""What the Prefect run page shows of a run: progress, tables and links, under keys that keep history.

A server that does not answer ends no run: it may be back for the next update, and the page is only a view.
"""

import logging
import re
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from uuid import UUID

import httpx
from prefect.artifacts import (
    create_image_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from tasks.records import Cell

log = logging.getLogger(__name__)

EVERY_S = 2.0
EVERY_LOST_S = 60.0
"""How often a server that did not answer is asked again; each time costs Prefect's own retries."""


class Progress:
    """Progress of one stage on the run page; updated at most every two seconds, for each costs a request."""

    def __init__(self, stage: str) -> None:
        self._id: UUID | None = None
        self._next = time.monotonic() + EVERY_S
        with optional():
            created = create_progress_artifact(progress=0.0, key=f"{slug(stage)}-progress", description=stage)
            self._id = created  # type: ignore[assignment]

    def __call__(self, share: float) -> None:
        """Show a share done, 0..1."""
        if self._id is None or (share < 1.0 and time.monotonic() < self._next):
            return
        self._next = time.monotonic() + EVERY_LOST_S
        with optional():
            update_progress_artifact(artifact_id=self._id, progress=min(100.0, 100.0 * share))
            self._next = time.monotonic() + EVERY_S


@contextmanager
def optional() -> Iterator[None]:
    """Go on without an update that the server did not take."""
    try:
        yield
    except httpx.TransportError as error:
        log.warning("The Prefect server does not answer (%s); the run page lacks an update.", error)


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
    show_table("accepted-wanted", list(table.values()), f"Accepted/wanted after round {round_}")


def show_counts(key: str, counts: Mapping[str, int], description: str) -> None:
    """Counts by reason or kind, the most frequent first."""
    rows = [{"what": k, "texts": n} for k, n in sorted(counts.items(), key=lambda item: -item[1])]
    show_table(key, rows or [{"what": "none", "texts": 0}], description)


def show_table(key: str, rows: Sequence[Mapping[str, object]], description: str) -> None:
    """Any table; numbers must be plain Python numbers."""
    with optional():
        create_table_artifact(table=[dict(row) for row in rows], key=key, description=description)


def show_bars(key: str, values: Mapping[str, float], description: str) -> None:
    """Bars of values 0..1 as a picture."""
    lines = [
        f'<text x="170" y="{22 * i + 16}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="180" y="{22 * i + 4}" width="{360 * value:.0f}" height="15" fill="#0f766e"/>'
        f'<text x="{186 + 360 * value:.0f}" y="{22 * i + 16}">{value:.2f}</text>'
        for i, (name, value) in enumerate(values.items())
    ]
    size = f'width="600" height="{22 * len(values) + 8}"'
    page = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    svg = f'{page}<rect width="100%" height="100%" fill="white"/>{"".join(lines)}</svg>'
    address = f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
    with optional():
        create_image_artifact(image_url=address, key=key, description=description)


def show_page(key: str, markdown: str, description: str) -> None:
    """A page of Markdown."""
    with optional():
        create_markdown_artifact(markdown=markdown, key=key, description=description)
