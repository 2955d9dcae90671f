"""From sampled texts to rows."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.data.records import Row
from tasks.pipeline.planning.requests import Order
from tasks.taxonomy import Taxonomy


@dataclass(frozen=True)
class Draft:
    """One sampled text: `cut` when the model did not end it by itself."""

    text: str
    cut: bool


def rows_of(
    order: Order,
    drafts: Sequence[Sequence[Draft]],
    taxonomy: Taxonomy,
    generator: str,
    revision: str,
) -> list[Row]:
    """Rows of the texts that were sampled for an order, one list of drafts per wish."""
    cell = order.cell
    labels = list(cell.labels)
    rows = []
    for wish, texts in zip(order.wishes, drafts, strict=True):
        prompt_id = _digest(generator, wish.prompt)
        for i, draft in enumerate(texts):
            rows.append(
                Row(
                    id=_digest(prompt_id, wish.seed, i, cell.round),
                    text=draft.text,
                    labels=labels,
                    level=taxonomy.level_of(labels),
                    targets=taxonomy.targets_of(labels),
                    weight=1.0,
                    topic=cell.topic,
                    scenario=wish.scenario,
                    style=wish.style,
                    prompt_id=prompt_id,
                    prompt=wish.prompt,
                    generator=generator,
                    revision=revision,
                    seed=wish.seed,
                    round=cell.round,
                    source="synthetic",
                    votes={"cut": 1.0} if draft.cut else {},
                    scrubbed={},
                    group="",
                    split="",
                    segments=[],
                )
            )
    return rows


def _digest(*parts: str | int) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
