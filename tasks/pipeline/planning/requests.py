"""From a cell to the prompts that will fill it, and from what came back to rows."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tasks.config import PromptForm
from tasks.data.records import Cell, Record, Row
from tasks.prompts.rendering import Manner, render
from tasks.taxonomy import Label, Style, Taxonomy, Topic, Topics

OWN = "generator.template"
"""Stands for a template from the configuration where a file would be named."""
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
    template: str = ""
    """File in `tasks/templates` that the prompt was made with, or `OWN`; empty for control words."""
    exemplars: tuple[str, ...] = ()
    """Texts shown in the prompt."""


class Order(Record):
    """A cell with its prompts: all that decides its texts, apart from the model."""

    cell: Cell
    wishes: tuple[Wish, ...]


def order_for(
    cell: Cell,
    taxonomy: Taxonomy,
    topics: Topics,
    form: PromptForm,
    texts: Sequence[Row] = (),
    n_exemplars: int = 0,
    template: str | None = None,
) -> Order:
    """Choose scenario, style, length and exemplars of each prompt of a cell, decided by the cell's seed.

    Args:
        cell: What is wanted.
        taxonomy: Of the run.
        topics: Of the run.
        form: How the wish is put.
        texts: Rows that exemplars are drawn from; those with one of the cell's labels can be drawn.
        n_exemplars: Most exemplars per prompt.
        template: Text of a template in place of the one that ships for the form.
    """
    rng = np.random.default_rng(cell.seed)
    fitting = sorted(row["text"] for row in texts if set(row["labels"]) & set(cell.labels))
    topic = topics.by_name[cell.topic]
    labels = [taxonomy.labels[taxonomy.index[name]] for name in cell.labels]
    n_prompts = -(-cell.draw // TEXTS_PER_PROMPT)
    sizes = [cell.draw // n_prompts + (i < cell.draw % n_prompts) for i in range(n_prompts)]
    shown = fitting, n_exemplars, template
    wishes = (_wish(k, labels, topic, topics.styles, form, rng, *shown) for k in sizes)
    return Order(cell=cell, wishes=tuple(wishes))


def open_order(topic: Topic, styles: Sequence[Style], form: PromptForm, n_texts: int, seed: int) -> Order:
    """Ask for texts about a topic and leave their labels to the model; one prompt per text."""
    rng = np.random.default_rng(seed)
    wishes = tuple(_wish(1, (), topic, styles, form, rng) for _ in range(n_texts))
    cell = Cell(labels=(), topic=topic.name, wanted=n_texts, draw=n_texts, round=0, seed=seed)
    return Order(cell=cell, wishes=wishes)


def _wish(
    k: int,
    labels: Sequence[Label],
    topic: Topic,
    styles: Sequence[Style],
    form: PromptForm,
    rng: np.random.Generator,
    texts: Sequence[str] = (),
    n_exemplars: int = 0,
    template: str | None = None,
) -> Wish:
    style = styles[int(rng.integers(len(styles)))]
    scenario = topic.scenarios[int(rng.integers(len(topic.scenarios)))]
    length = LENGTHS[int(rng.integers(len(LENGTHS)))]
    if form is PromptForm.control:
        scenario = ""  # the embedded generator is not told one
        words = [str(rng.choice(label.control or (label.name,))) for label in labels]
    else:
        words = []
    places = rng.permutation(len(texts))[:n_exemplars] if n_exemplars else ()
    manner = Manner(topic.name, scenario, style, length, tuple(texts[int(place)] for place in places))
    # Exemplars carry the labels; where those are left open, there are none.
    bare = replace(manner, exemplars=())
    prompt, null_prompt = render(form, labels, manner, words, template), render(form, (), bare, (), template)
    return Wish(
        prompt=prompt,
        null_prompt=null_prompt,
        scenario=scenario,
        style=style.name,
        k=k,
        seed=int(rng.integers(2**31)),
        template="" if form is PromptForm.control else OWN if template else f"{form.value}.j2",
        exemplars=manner.exemplars,
    )


def in_batches(order: Order, size: int) -> list[Order]:
    """Divide an order into orders of at most `size` texts: what is lost when a run is killed.

    A wish is never divided; one for more than `size` texts makes an order of its own.
    """
    parts: list[list[Wish]] = [[]]
    for wish in order.wishes:
        if parts[-1] and sum(w.k for w in parts[-1]) + wish.k > size:
            parts.append([])
        parts[-1].append(wish)
    return [Order(cell=order.cell, wishes=tuple(wishes)) for wishes in parts]
