"""Texts for a label set and a topic, from the run's generator; cleaned and scrubbed as for training."""

from collections import Counter
from functools import cache
from threading import Lock
from typing import Any

from deployments.api.loading import Served
from deployments.api.schemas import GenerateRequest, GenerateResponse
from tasks.config import PromptForm, RunConfig
from tasks.data.records import Cell, Row
from tasks.taxonomy import Topic, Topics, load_topics

BUSY = Lock()
"""One request at a time: a generator is a hundred times dearer than the classifier."""


class BusyError(Exception):
    """Another request is being written for."""


def generate(served: Served, request: GenerateRequest) -> GenerateResponse:
    """Write texts; blocks for seconds.

    Raises:
        BusyError: Another request is at work.
        ValueError: A label is unknown, or the run has no generator here.
    """
    served.taxonomy.check(request.labels)
    if not BUSY.acquire(blocking=False):
        raise BusyError
    try:
        rows = _sampled(served, request)
        return _tidied(served, rows)
    finally:
        BUSY.release()


@cache
def _engine(generator: str) -> Any:
    from tasks.config import GeneratorConfig
    from tasks.pipeline.sampling import load_engine

    return load_engine(GeneratorConfig.model_validate_json(generator))


def _config(served: Served) -> RunConfig:
    if not served.config:
        raise ValueError(f"{served.run} is a model folder alone; expected a run, which names its generator.")
    return RunConfig.model_validate(served.config)


def _sampled(served: Served, request: GenerateRequest) -> list[Row]:
    from tasks.pipeline.planning.requests import build_requests
    from tasks.pipeline.planning.rows import SampledText, rows_of
    from tasks.pipeline.sampling import Request

    config = _config(served)
    engine = _engine(config.generator.model_dump_json())
    cell = Cell(
        labels=tuple(request.labels),
        topic=request.topic,
        wanted=request.n_texts,
        n_to_sample=request.n_texts,
        round=1,
        seed=request.seed,
    )
    form = config.generator.prompt_form or PromptForm.chat
    template = config.generator.template
    cell_request = build_requests(cell, served.taxonomy, _topics(request.topic), form, template=template)
    requests = [Request(w.prompt, w.n, w.seed, w.unconditional_prompt) for w in cell_request.requests]
    sampled_texts = [
        [SampledText(s.text, s.finish == "length") for s in engine.sample(prompt)] for prompt in requests
    ]
    return rows_of(cell_request, sampled_texts, served.taxonomy, str(config.generator.model), "")


def _topics(name: str) -> Topics:
    """The topics that ship with Sentimill, and the one that is asked for if it is not among them."""
    known = load_topics()
    if name in known.by_name:
        return known
    own = Topic(name=name, domain="own", scenarios=(f"Something about {name}.",))
    return Topics(topics=(own,), styles=known.styles)


def _tidied(served: Served, rows: list[Row]) -> GenerateResponse:
    from tasks.pipeline.cleaning import clean_rows

    cleaned = clean_rows(rows, _config(served).cleaning)
    texts = [done.text for done in served.scrubber.many([row["text"] for row in cleaned.kept])]
    return GenerateResponse(
        run=served.run,
        texts=[text for text in texts if text.strip()],
        dropped=dict(Counter(reject["reason"] for reject in cleaned.rejects)),
    )
