"""Everybody who has a vote on the labels of a text, each a stage of its own; `verify` counts them.

The generator and a judge look at one text at a time: their votes are cached per set of new texts, so that
later rounds do not ask again.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from transformers import pipeline

from tasks.caching import stage
from tasks.config import GeneratorConfig, Judge, PromptForm, VerifyingConfig
from tasks.records import DatasetRef, Row, TeacherRef
from tasks.sampling import Request, Scorer
from tasks.stages.texts import engine_of
from tasks.store import open_store
from tasks.taxonomy import Style, Taxonomy
from tasks.verifying import likelihood_votes, llm_votes, nli_votes, teach

log = logging.getLogger(__name__)

ANSWER_TOKENS = 48
CALLS = 32
"""Answers of a language model waited for at the same time."""


@stage("ask-generator")
def ask_generator_task(
    rows: DatasetRef,
    generator: GeneratorConfig,
    generator_sha256: str,
    taxonomy: Taxonomy,
    styles: tuple[Style, ...],
) -> DatasetRef:
    """The generator's vote on every row."""
    store = open_store()
    return store.put_rows(generator_votes(store.get_rows(rows), generator, taxonomy, styles))


def generator_votes(
    rows: Sequence[Row], generator: GeneratorConfig, taxonomy: Taxonomy, styles: Sequence[Style]
) -> list[Row]:
    """Rows with the generator's votes; as they were behind an endpoint, which scores no texts."""
    engine = engine_of(generator)
    if not isinstance(engine, Scorer):
        return list(rows)
    form = generator.prompt_form or PromptForm.control
    return likelihood_votes(rows, taxonomy, styles, form, engine.log_likelihoods)


@stage("judge", outside=True)
def judge_task(
    rows: DatasetRef, config: VerifyingConfig, generator: GeneratorConfig, taxonomy: Taxonomy
) -> DatasetRef:
    """The vote of a model that reads every text."""
    store = open_store()
    return store.put_rows(judged(store.get_rows(rows), config, generator, taxonomy))


def judged(
    rows: Sequence[Row], config: VerifyingConfig, generator: GeneratorConfig, taxonomy: Taxonomy
) -> list[Row]:
    """Rows with the judge's votes; answers that name no label are counted in the log."""
    if config.judge is Judge.nli:
        return nli_votes(rows, taxonomy, pipeline("zero-shot-classification", model=config.nli_model))
    voted, n_unread = llm_votes(rows, taxonomy, lambda prompts: _answers(prompts, generator))
    if n_unread:
        log.warning("%d of %d answers of the judge named no label.", n_unread, len(rows))
    return voted


def _answers(prompts: Sequence[str], generator: GeneratorConfig) -> list[str]:
    # As good as greedy; an answer is a matter of fact and not of fancy.
    calm = {"temperature": 0.01, "top_p": 1.0, "min_p": 0.0, "guidance": 1.0, "max_new_tokens": ANSWER_TOKENS}
    engine = engine_of(generator.model_copy(update=calm))
    with ThreadPoolExecutor(CALLS) as calls:
        return list(calls.map(lambda prompt: engine.sample(Request(prompt, 1, 0))[0].text, prompts))


@stage("teach", version="3")
def teach_task(
    real: DatasetRef,
    config: VerifyingConfig,
    generator: GeneratorConfig,
    generator_sha256: str,
    taxonomy: Taxonomy,
    seed: int,
) -> TeacherRef:
    """A teacher from real training rows, and the weights of all votes from a slice of them."""
    store = open_store()
    asks = config.likelihood and not generator.endpoint

    def generator_vote(rows: list[Row]) -> list[Row]:
        return generator_votes(rows, generator, taxonomy, ())

    teacher, weights = teach(store.get_rows(real), taxonomy, config, seed, generator_vote if asks else None)
    return TeacherRef(model=store.put_blob(teacher.to_bytes(), ".npz"), weights=weights)
