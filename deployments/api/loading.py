"""A model, ready to answer: weights, scrubber, thresholds, card, scores, and a likeness of its texts."""

import io
import json
import logging
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deployments.api.settings import ApiSettings, Runtime, ServingPrecision
from deployments.api.sources import CARD, Source, fetched, read_beside
from tasks.config import ScrubbingConfig
from tasks.pipeline.exporting.running import Judge
from tasks.taxonomy import Taxonomy

log = logging.getLogger("sentimill.api")
Labelled = list[tuple[str, list[float]]]
"""(text, targets) of rows."""


@dataclass(frozen=True)
class Reference:
    """What the texts of training were like, to compare live ones with."""

    words: np.ndarray
    """int (n,) words per text."""
    label_shares: np.ndarray
    """float (n_labels,) share of the texts that carry each label."""


@dataclass(frozen=True, eq=False)
class Served:
    """A loaded model with all that it needs to answer; never changes, only gives way to another."""

    run: str
    sha256: str
    judge: Judge
    settings: dict[str, Any]
    """What training wrote beside the weights, with the decision rule of the arithmetic that is served."""
    taxonomy: Taxonomy
    scrubber: Any
    runtime: Runtime
    precision: ServingPrecision
    agreement: float | None
    """Share of held-out rows that are decided as by the evaluated model; None where it is the same."""
    reference: Reference | None
    config: dict[str, Any]
    """Of the run; empty for a model folder alone."""
    card: str = ""
    scores: dict[str, Any] = field(default_factory=dict)


def load(source: Source, settings: ApiSettings) -> Served:
    """Load and check a model.

    Raises:
        ValueError: The model is damaged.
        OSError: The results block cannot be read.
    """
    # Imported here: they take seconds, and what is wrong with the source should be said before.
    from deployments.api.judging import open_judge
    from tasks.pipeline.scrubbing import SCRUBBER_VERSION
    from tasks.pipeline.scrubbing.rows import scrubber_for

    with fetched(source) as (folder, sha256):
        opened = open_judge(
            folder,
            sha256,
            settings,
            lambda: labelled_rows(source, "validation") + labelled_rows(source, "test"),
        )
        card = folder / CARD
        text = card.read_text(encoding="utf-8") if card.is_file() else ""
    about = opened.settings
    if about["scrubber"] != SCRUBBER_VERSION:
        log.warning("scrubber is %s; %s was trained with %s", SCRUBBER_VERSION, source.run, about["scrubber"])
    return Served(
        run=source.run,
        sha256=sha256,
        judge=opened.judge,
        settings=about,
        taxonomy=Taxonomy.model_validate(about["taxonomy"]),
        scrubber=scrubber_for(ScrubbingConfig.model_validate(about["scrubbing"])),
        runtime=opened.runtime,
        precision=opened.precision,
        agreement=opened.agreement,
        reference=_reference(labelled_rows(source, "reference") or labelled_rows(source, "train")),
        config=json.loads(read_beside(source, "config.json") or b"{}"),
        card=text,
        scores=json.loads(read_beside(source, "scores.json") or b"{}"),
    )


def labelled_rows(source: Source, part: str) -> Labelled:
    """Rows of a part of the run's data set; none beside a model folder alone."""
    import pyarrow.parquet as pq

    content = read_beside(source, f"dataset/{part}.parquet")
    if content is None:
        return []
    table = pq.read_table(io.BytesIO(content), columns=["text", "targets"])
    return list(zip(table["text"].to_pylist(), table["targets"].to_pylist(), strict=True))


def _reference(rows: Labelled) -> Reference | None:
    if not rows:
        return None
    targets = np.array([targets for _, targets in rows])
    return Reference(np.array([len(text.split()) for text, _ in rows]), (targets > 0.5).mean(axis=0))
