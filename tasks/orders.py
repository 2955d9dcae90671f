"""From a cell to the prompts that will fill it, and from what came back to rows."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

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
OWN_TEMPLATES = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, autoescape=False)
"""For templates from outside: they see nothing but what they are handed."""
OWN = "generator.template"
"""Stands for a template from the configuration where a file would be named."""
LENGTHS = ("short", "medium", "long")
VARIABLES = {"labels", "topic", "scenario", "style", "length", "exemplars"}
"""What a template may use."""
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


@dataclass(frozen=True)
class Draft:
    """One sampled text: `cut` when the model did not end it by itself."""

    text: str
    cut: bool


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


@dataclass(frozen=True)
class Manner:
    """Everything that a prompt says beside the labels."""

    topic: str
    scenario: str
    style: Style
    length: str
    exemplars: tuple[str, ...] = ()


def render(
    form: PromptForm,
    labels: Sequence[Label],
    manner: Manner,
    words: Sequence[str] = (),
    template: str | None = None,
) -> str:
    """Prompt for a label set; without labels the same wish with its labels left open.

    Args:
        form: Control line, completion or chat.
        labels: What the text shall carry.
        manner: What else is wanted.
        words: Control words to ask with, one per label; empty takes the first that each label has.
        template: Text of a template in place of the one that ships for the form.
    """
    if form is PromptForm.control:
        words = words or [(*label.control, label.name)[0] for label in labels]
        return control_prompt(words, manner.topic, manner.style.control, manner.length)
    return _template(form, template).render(
        labels=labels,
        topic=manner.topic,
        scenario=manner.scenario,
        style=manner.style,
        length=manner.length,
        exemplars=manner.exemplars,
    )


@cache
def _template(form: PromptForm, own: str | None) -> Template:
    return OWN_TEMPLATES.from_string(own) if own else TEMPLATES.get_template(f"{form.value}.j2")


def check_template(template: str, form: PromptForm) -> None:
    """Refuse a template that cannot be filled in: one with a fault, or with names that no prompt has.

    Raises:
        ValueError: With what Jinja says.
    """
    label = Label(name="joy", meaning="The writer is glad.")
    style = Style(name="review", description="a short review")
    manner = Manner("films", "A film seen at home.", style, "short", ("What a film!",))
    try:
        unknown = meta.find_undeclared_variables(OWN_TEMPLATES.parse(template)) - VARIABLES
        found = f"uses {', '.join(sorted(unknown))}" if unknown else ""
        for labels in ((label,), ()) if not unknown else ():
            render(form, labels, manner, (), template)
    except TemplateError as error:
        found = f"cannot be filled in: {error}"
    if found:
        raise ValueError(
            f"generator.template {found}; expected no names but {', '.join(sorted(VARIABLES))}. "
            "Correct the template."
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
                    segments=[],
                )
            )
    return rows


def cell_key(row: Row) -> str:
    """`Cell.key` of the cell that a synthetic row was sampled for."""
    return f"{'+'.join(row['labels'])} | {row['topic']}"


def cell_keys(row: Row) -> list[str]:
    """`Cell.key` of every cell that a row was sampled for: two where two texts were joined into one."""
    halves = [f"{segment['label']} | {row['topic']}" for segment in row["segments"]]
    return halves or [cell_key(row)]


def _digest(*parts: str | int) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
