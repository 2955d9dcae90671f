"""From sampled texts to rows."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.data.records import LOG_RATIO, Row
from tasks.pipeline.planning.requests import CellRequest
from tasks.taxonomy import Taxonomy


@dataclass(frozen=True)
class SampledText:
    """One sampled text: `cut` when the model did not end it by itself; see `Sample` for `log_ratio`."""

    text: str
    cut: bool
    log_ratio: float | None = None


def rows_of(
    cell_request: CellRequest,
    sampled_texts: Sequence[Sequence[SampledText]],
    taxonomy: Taxonomy,
    generator: str,
    revision: str,
) -> list[Row]:
    """Rows of the texts that were sampled for a cell, one list of drafts per request."""
    cell = cell_request.cell
    labels = list(cell.labels)
    rows = []
    for request, texts in zip(cell_request.requests, sampled_texts, strict=True):
        prompt_id = _digest(generator, request.prompt)
        for i, sampled_text in enumerate(texts):
            rows.append(
                Row(
                    id=_digest(prompt_id, request.seed, i, cell.round),
                    text=sampled_text.text,
                    labels=labels,
                    level=taxonomy.level_of(labels),
                    targets=taxonomy.targets_of(labels),
                    weight=1.0,
                    topic=cell.topic,
                    scenario=request.scenario,
                    style=request.style,
                    prompt_id=prompt_id,
                    prompt=request.prompt,
                    generator=generator,
                    revision=revision,
                    seed=request.seed,
                    round=cell.round,
                    source="synthetic",
                    votes=_votes(sampled_text),
                    scrubbed={},
                    group="",
                    split="",
                    segments=[],
                )
            )
    return rows


def _votes(sampled_text: SampledText) -> dict[str, float]:
    ratio = {} if sampled_text.log_ratio is None else {LOG_RATIO: sampled_text.log_ratio}
    return {**({"cut": 1.0} if sampled_text.cut else {}), **ratio}


def _digest(*parts: str | int) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
