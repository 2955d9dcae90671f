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
from pathlib import Path
from threading import Event
from uuid import UUID

import httpx
from prefect.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from tasks.data.records import Cell

log = logging.getLogger(__name__)

LOST = Event()
"""Set while the server does not answer."""
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

    def __call__(self, share: float, said: str | None = None) -> None:
        """Show a share done, 0..1, and in words what is going on."""
        if self._id is None or (share < 1.0 and time.monotonic() < self._next):
            return
        self._next = time.monotonic() + EVERY_LOST_S
        with optional():
            done = min(100.0, 100.0 * share)
            update_progress_artifact(artifact_id=self._id, progress=done, description=said)
            self._next = time.monotonic() + EVERY_S


@contextmanager
def optional() -> Iterator[None]:
    """Go on without an update that the server did not take.

    After a first one, Prefect's own retries are left out: they take a minute for each update.
    """
    retries = 0 if LOST.is_set() else PREFECT_CLIENT_MAX_RETRIES.value()
    try:
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: retries}):
            yield
        LOST.clear()
    except httpx.TransportError as error:
        LOST.set()
        log.warning("The Prefect server does not answer (%s); the run page lacks an update.", error)


def slug(name: str) -> str:
    """Artifact key of a name: lower case, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def show_cells(cells: Sequence[Cell], accepted: Mapping[str, int], round_: int) -> None:
    """Accepted of wanted texts per label (rows) and topic (columns), as a table and as a picture.

    A text of several labels counts for each. Every round adds a version, so that one can see them fill.
    """
    filled = fill_table(cells, accepted)
    topics = sorted({cell.topic for cell in cells})
    rows: list[dict[str, object]] = []
    for label, cells_of_label in filled.items():
        total = [sum(values) for values in zip(*cells_of_label.values(), strict=True)]
        shown = {
            t: f"{cells_of_label[t][0]}/{cells_of_label[t][1]}" if t in cells_of_label else "" for t in topics
        }
        rows.append({"label": label, "all": f"{total[0]}/{total[1]}", **shown})
    show_table("quota-table", rows, f"Accepted/wanted after round {round_}")
    _show_svg("quota-heatmap", _heat_map(filled, topics), f"Quotas filled after round {round_}")


def fill_table(cells: Sequence[Cell], accepted: Mapping[str, int]) -> dict[str, dict[str, tuple[int, int]]]:
    """(accepted, wanted) texts per label and topic; what a cell has beyond its quota does not count."""
    table: dict[str, dict[str, tuple[int, int]]] = {}
    for cell in cells:
        n = min(accepted.get(cell.key, 0), cell.wanted)
        for label in cell.labels:
            cells_of_label = table.setdefault(label, {})
            done, wanted = cells_of_label.get(cell.topic, (0, 0))
            cells_of_label[cell.topic] = (done + n, wanted + cell.wanted)
    return table


def _heat_map(filled: Mapping[str, Mapping[str, tuple[int, int]]], topics: Sequence[str]) -> str:
    """One square per label and topic, the fuller the greener, with the names of both beside."""
    parts = []
    for column, topic in enumerate(topics):
        x = 176 + 18 * column
        parts.append(f'<text transform="translate({x},104) rotate(-60)">{escape(topic[:18])}</text>')
    for line, (label, cells_of_label) in enumerate(filled.items()):
        y = 110 + 18 * line
        parts.append(f'<text x="160" y="{y + 12}" text-anchor="end">{escape(label)}</text>')
        for column, topic in enumerate(topics):
            if topic in cells_of_label:
                done, wanted = cells_of_label[topic]
                colour = "#0f766e" if done >= wanted else "#d97706"
                frame = f'x="{166 + 18 * column}" y="{y}" width="16" height="16"'
                parts.append(f'<rect {frame} fill="#e5e7eb"/>')
                parts.append(f'<rect {frame} fill="{colour}" opacity="{max(0.0, done / wanted):.2f}"/>')
    return _svg(240 + 18 * len(topics), 120 + 18 * len(filled), parts)


def show_rejects(counts: Mapping[str, int], examples: Mapping[str, Sequence[str]], description: str) -> None:
    """Counts by reason, the most frequent first, with a few texts of each."""
    rows: list[dict[str, object]] = [
        {"why": why, "texts": n, "examples": " / ".join(examples.get(why, ()))}
        for why, n in sorted(counts.items(), key=lambda item: -item[1])
    ]
    nothing: dict[str, object] = {"why": "nothing", "texts": 0, "examples": ""}
    show_table("rejects", rows or [nothing], description)


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
    _show_svg(key, _svg(600, 22 * len(values) + 8, lines), description)


def _svg(width: int, height: int, parts: Sequence[str]) -> str:
    size = f'width="{width}" height="{height}"'
    page = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    return f'{page}<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>'


def _show_svg(key: str, svg: str, description: str) -> None:
    address = f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
    with optional():
        create_image_artifact(image_url=address, key=key, description=description)


def show_link(key: str, address: str, description: str) -> None:
    """A link; a folder of this machine as `file:` address, which browsers show but do not follow."""
    link = address if "://" in address else Path(address).as_uri()
    with optional():
        create_link_artifact(link=link, link_text=address, key=key, description=description)


def show_page(key: str, markdown: str, description: str) -> None:
    """A page of Markdown."""
    with optional():
        create_markdown_artifact(markdown=markdown, key=key, description=description)
