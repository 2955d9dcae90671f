"""The sources of label votes, each a stage of its own; `verify` aggregates the votes.

The generator and a judge look at one text at a time: their votes are cached per set of new texts, so that
later rounds do not ask again.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from transformers import pipeline

from tasks.config import GeneratorConfig, JudgeKind, PromptForm, VerifyingConfig
from tasks.config.judging import judge_of
from tasks.data.records import Row
from tasks.data.references import DatasetRef, FilterRefs, TeacherRef
from tasks.orchestration import artifacts
from tasks.orchestration.caching import stage
from tasks.orchestration.engines import engine_of
from tasks.orchestration.run import RunContext
from tasks.pipeline.planning.rounds import QuotaState
from tasks.pipeline.sampling import Engine, Request, Scorer
from tasks.pipeline.verification import (
    LabelSignal,
    Teacher,
    fit_teacher_and_weights,
    label_signals,
    likelihood_votes,
    llm_votes,
    nli_votes,
    verify_rows,
)
from tasks.stages.real_data import read_real
from tasks.storage.connection import open_store
from tasks.taxonomy import Style, Taxonomy

log = logging.getLogger(__name__)

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
    if generator.endpoint:
        return list(rows)

    def score(pairs: Sequence[tuple[str, str]]) -> list[float]:
        engine = engine_of(generator)  # loaded only where something is left to score
        assert isinstance(engine, Scorer)
        return engine.log_likelihoods(pairs)

    return likelihood_votes(rows, taxonomy, styles, generator.prompt_form or PromptForm.chat, score)


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
        rows, taxonomy, lambda prompts: ask_llm(prompts, engine_of(judge_of(verifying, generator)))
    )
    if n_unread:
        log.warning("%d of %d answers of the judge named no label.", n_unread, len(rows))
    return voted


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
    return ask_judge(run, rows) if verifying.enabled else rows


def ask_judge(run: RunContext, rows: DatasetRef) -> DatasetRef:
    """Rows with the votes of the judge; as they were where none is wanted."""
    verifying, generator = run.config.verifying, run.config.generator
    if verifying.judge in (None, JudgeKind.none):
        return rows
    return run.call(judge_task, rows=rows, verifying=verifying, generator=generator, taxonomy=run.taxonomy)


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


def require_label_signal(run: RunContext, quotas: QuotaState) -> None:
    """Say which labels their texts carry no better than chance, before training is paid for.

    Raises:
        ValueError: Every label is one, and no real rows join the training.
    """
    disputed = [reject["row"] for ref in run.ledger.disputed for reject in run.store.get_rejects(ref)]
    signals = label_signals([*run.store.get_rows(quotas.accepted), *disputed], run.taxonomy)
    at_chance = [signal for signal in signals if signal.at_chance]
    if signals:
        title = "What the votes say about the texts of every label"
        artifacts.show_table("label-signal", [_signal_row(signal) for signal in signals], title)
    for signal in at_chance:
        run.note(f"{str(signal)[0].upper()}{str(signal)[1:]}.")
    if len(at_chance) == run.taxonomy.n_labels and not run.config.mixing.real_fraction:
        raise ValueError(
            f"the texts of all {len(at_chance)} labels carry them no better than chance; expected texts that "
            "tell the labels apart. Say in a sentence what each label means, or take a larger generator."
        )


def _signal_row(signal: LabelSignal) -> dict[str, object]:
    return {
        "label": signal.label,
        "texts": signal.n_texts,
        "out-of-fold probability": _rounded(signal.folds),
        "by guessing": _rounded(signal.share),
        "log-likelihood ratio": _rounded(signal.likelihood),
        "carried": f"no better than chance ({', '.join(signal.at_chance)})" if signal.at_chance else "yes",
    }


def _rounded(value: float | None) -> float | str:
    return "" if value is None else round(value, 3)
