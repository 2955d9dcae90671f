"""The sources of label votes, each a stage of its own; `verify` aggregates the votes.

The generator and a judge look at one text at a time: their votes are cached per set of new texts, so that
later rounds do not ask again.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from transformers import pipeline

from tasks.config import GeneratorConfig, JudgeKind, PromptForm, VerifyingConfig
from tasks.data.records import Row
from tasks.data.references import DatasetRef, FilterRefs, TeacherRef
from tasks.orchestration.caching import stage
from tasks.orchestration.engines import engine_of
from tasks.orchestration.run import RunContext
from tasks.pipeline.sampling import Engine, Request, Scorer
from tasks.pipeline.verification import (
    Teacher,
    fit_teacher_and_weights,
    likelihood_votes,
    llm_votes,
    nli_votes,
    verify_rows,
)
from tasks.stages.real_data import read_real
from tasks.storage.connection import open_store
from tasks.taxonomy import Style, Taxonomy

log = logging.getLogger(__name__)

ANSWER_TOKENS = 48
CALLS = 32
"""Answers of a language model waited for at the same time."""


@stage("generator-likelihood")
def generator_likelihood_task(
    *,
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
    form = generator.prompt_form or PromptForm.chat
    return likelihood_votes(rows, taxonomy, styles, form, engine.log_likelihoods)


@stage("judge", retry_on_network_error=True)
def judge_task(
    *, rows: DatasetRef, verifying: VerifyingConfig, generator: GeneratorConfig, taxonomy: Taxonomy
) -> DatasetRef:
    """The vote of a model that reads every text."""
    store = open_store()
    return store.put_rows(add_judge_votes(store.get_rows(rows), verifying, generator, taxonomy))


def add_judge_votes(
    rows: Sequence[Row], verifying: VerifyingConfig, generator: GeneratorConfig, taxonomy: Taxonomy
) -> list[Row]:
    """Rows with the judge's votes; answers that name no label are counted in the log."""
    if verifying.judge is JudgeKind.nli:
        return nli_votes(rows, taxonomy, pipeline("zero-shot-classification", model=verifying.nli_model))
    voted, n_unread = llm_votes(
        rows, taxonomy, lambda prompts: ask_llm(prompts, engine_of(greedy(generator)))
    )
    if n_unread:
        log.warning("%d of %d answers of the judge named no label.", n_unread, len(rows))
    return voted


def greedy(generator: GeneratorConfig) -> GeneratorConfig:
    """The generator as it answers questions: an answer is a matter of fact."""
    options: dict[str, Any] = {
        "temperature": 0.01,  # as good as greedy
        "top_p": 1.0,
        "min_p": 0.0,
        "guidance_scale": 1.0,
        "max_new_tokens": ANSWER_TOKENS,
        "system_prompt": "",  # the one for texts says what an answer is not
    }
    return generator.model_copy(update=options)


def ask_llm(prompts: Sequence[str], engine: Engine) -> list[str]:
    """Answers to prompts, in order, many waited for at the same time."""
    with ThreadPoolExecutor(CALLS) as calls:
        return list(calls.map(lambda prompt: engine.sample(Request(prompt, 1, 0))[0].text, prompts))


@stage("fit-real-data-model")
def fit_real_data_model_task(
    *,
    real: DatasetRef,
    verifying: VerifyingConfig,
    generator: GeneratorConfig,
    generator_sha256: str,
    taxonomy: Taxonomy,
    seed: int,
) -> TeacherRef:
    """A teacher from real training rows, and the weights of all votes from a slice of them."""
    store = open_store()
    asks = verifying.likelihood and not generator.endpoint

    def generator_vote(rows: list[Row]) -> list[Row]:
        return generator_votes(rows, generator, taxonomy, ())

    teacher, weights = fit_teacher_and_weights(
        store.get_rows(real), taxonomy, verifying, seed, generator_vote if asks else None
    )
    return TeacherRef(model=store.put_blob(teacher.to_bytes(), ".npz"), weights=weights)


@stage("verify")
def verify_task(
    *,
    rows: DatasetRef,
    taxonomy: Taxonomy,
    verifying: VerifyingConfig,
    seed: int,
    teacher: TeacherRef | None = None,
) -> FilterRefs:
    """Count the votes on every label: keep, relabel, mask or drop."""
    store = open_store()
    model = Teacher.from_bytes(store.get_blob(teacher.model)) if teacher else None
    weights = teacher.weights if teacher else None
    return store.put_filtered(verify_rows(store.get_rows(rows), taxonomy, verifying, seed, model, weights))


def fit_real_data_model(run: RunContext) -> TeacherRef | None:
    """Fit the classifier on real rows that votes on every text; None if none is wanted."""
    config = run.config
    if not (config.verifying.enabled and config.verifying.teacher and run.wants_synthetic):
        return None
    return run.call(
        fit_real_data_model_task,
        real=read_real(run, "train"),
        verifying=config.verifying,
        generator=config.generator,
        generator_sha256=run.generator_sha256,
        taxonomy=run.taxonomy,
        seed=config.seed,
    )


def collect_votes(run: RunContext, rows: DatasetRef) -> DatasetRef:
    """Votes of the sources that read one text at a time: the generator and a judge."""
    verifying, generator = run.config.verifying, run.config.generator
    if verifying.enabled and verifying.likelihood:
        if generator.endpoint:
            run.log_stage("generator-likelihood", 0.0, "no vote: endpoints score no text")
        else:
            rows = run.call(
                generator_likelihood_task,
                rows=rows,
                generator=generator,
                generator_sha256=run.generator_sha256,
                taxonomy=run.taxonomy,
                styles=run.topics.styles,
            )
    if verifying.enabled and verifying.judge not in (None, JudgeKind.none):
        rows = run.call(
            judge_task, rows=rows, verifying=verifying, generator=generator, taxonomy=run.taxonomy
        )
    return rows


def verify(run: RunContext, rows: DatasetRef, teacher: TeacherRef | None) -> FilterRefs:
    """Aggregate the votes on every label of all rows so far."""
    return run.call(
        verify_task,
        rows=rows,
        taxonomy=run.taxonomy,
        verifying=run.config.verifying,
        seed=run.config.seed,
        teacher=teacher,
    )
