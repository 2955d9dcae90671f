"""From a cell to the prompts that will fill it, and from what came back to rows."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tasks.config import PromptForm
from tasks.prompts import control_prompt
from tasks.records import Cell, Record, Row
from tasks.taxonomy import Label, Style, Taxonomy, Topic, Topics

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    trim_blocks=True,
    autoescape=False,  # prompts are text for a model, not HTML
)
LENGTHS = ("short", "medium", "long")
TEXTS_PER_PROMPT = 5
"""Texts that share a prompt, and so its computation; more prompts give more variety."""


class Wish(Record):
    """One prompt and how many texts to sample for it."""

    prompt: str
    null_prompt: str
    """The same wish with its labels left open, for guidance."""
    scenario: str
    style: str
    k: int
    seed: int


class Order(Record):
    """A cell with its prompts: all that decides its texts, apart from the model."""

    cell: Cell
    wishes: tuple[Wish, ...]


@dataclass(frozen=True)
class Draft:
    """One sampled text: `cut` when the model did not end it by itself."""

    text: str
    cut: bool


def order_for(cell: Cell, taxonomy: Taxonomy, topics: Topics, form: PromptForm) -> Order:
    """Choose scenario, style and length of each prompt of a cell, decided by the cell's seed alone."""
    rng = np.random.default_rng(cell.seed)
    topic = topics.by_name[cell.topic]
    labels = [taxonomy.labels[taxonomy.index[name]] for name in cell.labels]
    n_prompts = -(-cell.draw // TEXTS_PER_PROMPT)
    sizes = [cell.draw // n_prompts + (i < cell.draw % n_prompts) for i in range(n_prompts)]
    return Order(cell=cell, wishes=tuple(_wish(k, labels, topic, topics.styles, form, rng) for k in sizes))


def _wish(
    k: int,
    labels: Sequence[Label],
    topic: Topic,
    styles: Sequence[Style],
    form: PromptForm,
    rng: np.random.Generator,
) -> Wish:
    style = styles[int(rng.integers(len(styles)))]
    scenario = topic.scenarios[int(rng.integers(len(topic.scenarios)))]
    length = LENGTHS[int(rng.integers(len(LENGTHS)))]
    if form is PromptForm.control:
        words = [str(rng.choice(label.control or (label.name,))) for label in labels]
        prompt = control_prompt(words, topic.name, style.control, length)
        null_prompt = control_prompt((), topic.name, style.control, length)
        scenario = ""  # the embedded generator is not told one
    else:
        template = TEMPLATES.get_template(f"{form.value}.j2")
        wish = {"topic": topic.name, "scenario": scenario, "style": style, "length": length}
        prompt = template.render(labels=labels, **wish)
        null_prompt = template.render(labels=[], **wish)
    return Wish(
        prompt=prompt,
        null_prompt=null_prompt,
        scenario=scenario,
        style=style.name,
        k=k,
        seed=int(rng.integers(2**31)),
    )


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
                )
            )
    return rows


def cell_key(row: Row) -> str:
    """`Cell.key` of the cell that a synthetic row was sampled for."""
    return f"{'+'.join(row['labels'])} | {row['topic']}"


def _digest(*parts: str | int) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
