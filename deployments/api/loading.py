"""A model, ready to answer: weights, scrubber, thresholds, card, scores, and a likeness of its texts."""

import io
import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from deployments.api.settings import ApiSettings, ServingPrecision
from deployments.api.sources import CARD, Source, fetched, read_beside
from tasks.config import ScrubbingConfig
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
    model: Any
    tokenizer: Any
    settings: dict[str, Any]
    """What training wrote beside the weights."""
    taxonomy: Taxonomy
    thresholds: np.ndarray
    """float (n_labels,)."""
    scrubber: Any
    precision: ServingPrecision
    agreement: float | None
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
    # Imported here: torch takes seconds, and what is wrong with the source should be said before.
    import torch

    from deployments.api.precision import load_on_device
    from tasks.pipeline.scrubbing import SCRUBBER_VERSION
    from tasks.pipeline.scrubbing.rows import scrubber_for

    torch.set_num_threads(settings.threads_per_worker)
    with fetched(source) as (folder, sha256):
        model, tokenizer, about = _classifier(folder)
        card = folder / CARD
        text = card.read_text(encoding="utf-8") if card.is_file() else ""
    if about["scrubber"] != SCRUBBER_VERSION:
        log.warning("scrubber is %s; %s was trained with %s", SCRUBBER_VERSION, source.run, about["scrubber"])
    held_out = _rows(source, "validation") + _rows(source, "test")
    model, precision, share = load_on_device(model, tokenizer, about, settings.precision, held_out)
    return Served(
        run=source.run,
        sha256=sha256,
        model=model,
        tokenizer=tokenizer,
        settings=about,
        taxonomy=Taxonomy.model_validate(about["taxonomy"]),
        thresholds=np.asarray(about["thresholds"], dtype=float),
        scrubber=scrubber_for(ScrubbingConfig.model_validate(about["scrubbing"])),
        precision=precision,
        agreement=share,
        reference=_reference(_rows(source, "reference") or _rows(source, "train")),
        config=json.loads(read_beside(source, "config.json") or b"{}"),
        card=text,
        scores=json.loads(read_beside(source, "scores.json") or b"{}"),
    )


def _classifier(folder: Path) -> tuple[Any, Any, dict[str, Any]]:
    from tasks.pipeline.training.classifier import load_classifier

    try:
        return load_classifier(folder)
    except Exception as error:  # safetensors, JSON and transformers each have their own
        reason = (str(error).splitlines() or [""])[0][:200]
        raise ValueError(
            f"{folder} cannot be loaded ({type(error).__name__}: {reason}); expected a model of a run. "
            "Copy it again, or give sentimill run."
        ) from error


def _rows(source: Source, part: str) -> Labelled:
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
