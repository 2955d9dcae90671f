"""From a cell to its prompt requests, and from sampled texts to rows."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tasks.config import PromptForm
from tasks.data.records import UNLABELLED, Cell, Record, Row
from tasks.prompts.rendering import LENGTHS, Manner, render
from tasks.taxonomy import Label, Style, Taxonomy, Topic, Topics

OWN = "generator.template"
"""Stands for a template from the configuration where a file would be named."""
TEXTS_PER_PROMPT = 5
"""Texts that share a prompt, and so its computation; more prompts give more variety."""


class PromptRequest(Record):
    """One prompt and how many texts to sample for it."""

    prompt: str
    unconditional_prompt: str
    """The same prompt without labels, for classifier-free guidance."""
    scenario: str
    style: str
    n: int
    seed: int
    template: str = ""
    """File in `tasks/prompts/templates` that the prompt was made with, or `OWN`."""
    exemplars: tuple[str, ...] = ()
    """Texts shown in the prompt."""


class CellRequest(Record):
    """A cell with its prompts: all that decides its texts, apart from the model."""

    cell: Cell
    requests: tuple[PromptRequest, ...]


def build_requests(
    cell: Cell,
    taxonomy: Taxonomy,
    topics: Topics,
    form: PromptForm,
    texts: Sequence[Row] = (),
    n_exemplars: int = 0,
    template: str | None = None,
) -> CellRequest:
    """Choose scenario, style, length and exemplars of each prompt of a cell, decided by the cell's seed.

    Args:
        cell: What is wanted.
        taxonomy: Of the run.
        topics: Of the run.
        form: How the request is put.
        texts: Rows that exemplars are drawn from: those with one of the cell's labels, or where there are
            none, unlabelled ones.
        n_exemplars: Most exemplars per prompt.
        template: Text of a template in place of the one that ships for the form.
    """
    rng = np.random.default_rng(cell.seed)
    labels = [taxonomy.labels[taxonomy.index[name]] for name in cell.labels]
    written = {row["text"] for row in texts if set(row["labels"]) & set(cell.labels)}
    fitting = sorted(written.union(*(label.examples for label in labels)))
    # Without a text that has the label, one shows at least how people here write.
    fitting = fitting or sorted({row["text"] for row in texts if row["source"] == UNLABELLED})
    topic = topics.by_name[cell.topic]
    n_prompts = -(-cell.n_to_sample // TEXTS_PER_PROMPT)
    sizes = [cell.n_to_sample // n_prompts + (i < cell.n_to_sample % n_prompts) for i in range(n_prompts)]
    shown = fitting, n_exemplars, template
    requests = (_request(n, labels, topic, topics.styles, form, rng, *shown) for n in sizes)
    return CellRequest(cell=cell, requests=tuple(requests))


def unconditional_requests(
    topic: Topic, styles: Sequence[Style], form: PromptForm, n_texts: int, seed: int
) -> CellRequest:
    """Requests for texts about a topic without a requested label; one prompt per text."""
    rng = np.random.default_rng(seed)
    requests = tuple(_request(1, (), topic, styles, form, rng) for _ in range(n_texts))
    cell = Cell(labels=(), topic=topic.name, wanted=n_texts, n_to_sample=n_texts, round=0, seed=seed)
    return CellRequest(cell=cell, requests=requests)


def _request(
    n: int,
    labels: Sequence[Label],
    topic: Topic,
    styles: Sequence[Style],
    form: PromptForm,
    rng: np.random.Generator,
    texts: Sequence[str] = (),
    n_exemplars: int = 0,
    template: str | None = None,
) -> PromptRequest:
    style = styles[int(rng.integers(len(styles)))]
    scenarios = topic.scenarios or ("",)
    scenario = scenarios[int(rng.integers(len(scenarios)))]
    length = LENGTHS[int(rng.integers(len(LENGTHS)))]
    places = rng.permutation(len(texts))[:n_exemplars] if n_exemplars else ()
    manner = Manner(topic.name, scenario, style, length, tuple(texts[int(place)] for place in places))
    # Exemplars carry the labels, so an unconditional prompt has none.
    bare = replace(manner, exemplars=())
    prompt, unconditional_prompt = render(form, labels, manner, template), render(form, (), bare, template)
    return PromptRequest(
        prompt=prompt,
        unconditional_prompt=unconditional_prompt,
        scenario=scenario,
        style=style.name,
        n=n,
        seed=int(rng.integers(2**31)),
        template=OWN if template else f"{form.value}.j2",
        exemplars=manner.exemplars,
    )


def in_batches(cell_request: CellRequest, size: int) -> list[CellRequest]:
    """Divide an order into orders of at most `size` texts: what is lost when a run is killed.

    A request is never divided; one for more than `size` texts makes an order of its own.
    """
    parts: list[list[PromptRequest]] = [[]]
    for request in cell_request.requests:
        if parts[-1] and sum(w.n for w in parts[-1]) + request.n > size:
            parts.append([])
        parts[-1].append(request)
    return [CellRequest(cell=cell_request.cell, requests=tuple(requests)) for requests in parts]
