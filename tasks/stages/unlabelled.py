"""A user's unlabelled texts: read, labelled by votes, and kept as the reference of drift."""

from typing import cast

import numpy as np

from tasks.config import CleaningConfig, ScrubbingConfig, VerifyingConfig
from tasks.data.columns import parts_of
from tasks.data.reading import read_real
from tasks.data.reading.unlabelled import read_texts
from tasks.data.real_rows import read_real_rows, unlabelled_row
from tasks.data.records import FilterResult, Row
from tasks.data.references import DatasetRef, FilterRefs, ModelRef, RealRef, TeacherRef
from tasks.orchestration.caching import stage
from tasks.orchestration.run import RunContext
from tasks.pipeline.cleaning import clean_rows
from tasks.pipeline.scrubbing import scrub_rows
from tasks.pipeline.verification import Teacher
from tasks.pipeline.verification.unlabelled import guess_labels, label_by_votes
from tasks.stages.predictions import predictions_of
from tasks.stages.verification import ask_judge, fit_real_data_model
from tasks.storage.connection import open_store
from tasks.taxonomy import Taxonomy

MAX_HUMAN_TEXTS = 2_000
"""Human texts that say how often the classifier finds each label, at most."""
MAX_REFERENCE = 10_000
"""Texts that live ones are compared with, at most."""


@stage("read-unlabelled", retry_on_network_error=True)
def read_unlabelled_task(
    *,
    unlabelled: RealRef,
    real: RealRef | None,
    taxonomy: Taxonomy,
    cleaning: CleaningConfig,
    scrubbing: ScrubbingConfig,
) -> FilterRefs:
    """Texts cleaned and scrubbed like those that are trained on, without those that are measured on."""
    rows = [unlabelled_row(text, taxonomy) for text in read_texts(unlabelled.source)]
    parts = {
        part: [t.text for t in read_real(real.source, part)] if real else [] for part in ("train", "test")
    }
    cleaned = clean_rows(rows, cleaning, (), parts["train"], parts["test"])
    scrubbed = scrub_rows(cleaned.kept, scrubbing)
    return open_store().put_filtered(FilterResult(scrubbed.kept, [*cleaned.rejects, *scrubbed.rejects]))


@stage("guess-labels")
def guess_labels_task(
    *, unlabelled: DatasetRef, known: DatasetRef, taxonomy: Taxonomy, seed: int, teacher: TeacherRef | None
) -> DatasetRef:
    """The votes of two classifiers on every label of every text."""
    store = open_store()
    model = Teacher.from_bytes(store.get_blob(teacher.model)) if teacher else None
    learnt = parts_of(store.get_rows(known))["train"]
    return store.put_rows(guess_labels(store.get_rows(unlabelled), learnt, taxonomy, seed, model))


@stage("label-by-votes")
def label_by_votes_task(
    *,
    unlabelled: DatasetRef,
    known: DatasetRef,
    taxonomy: Taxonomy,
    verifying: VerifyingConfig,
    seed: int,
    weights: dict[str, float] | None,
) -> FilterRefs:
    """Texts of which the votes are sure, as training rows."""
    store = open_store()
    learnt = parts_of(store.get_rows(known))["train"]
    rows = store.get_rows(unlabelled)
    return store.put_filtered(label_by_votes(rows, learnt, taxonomy, verifying, seed, weights))


@stage("drift-reference")
def drift_reference_task(
    *, unlabelled: DatasetRef, model: ModelRef, taxonomy: Taxonomy, seed: int
) -> DatasetRef:
    """A sample of the texts with the labels that the finished classifier gives them."""
    store = open_store()
    rows = store.get_rows(unlabelled)
    chosen = np.random.default_rng(seed).permutation(len(rows))[:MAX_REFERENCE]
    drawn = [rows[i] for i in chosen.tolist()]
    decided = predictions_of(store.get_folder(model), drawn, taxonomy).decided
    return store.put_rows(
        [cast("Row", {**row, "targets": given}) for row, given in zip(drawn, decided.tolist(), strict=True)]
    )


@stage("human-texts", retry_on_network_error=True)
def human_texts_task(
    *,
    unlabelled: DatasetRef | None,
    real: RealRef | None,
    taxonomy: Taxonomy,
    scrubbing: ScrubbingConfig,
    seed: int,
) -> DatasetRef:
    """A sample of the unlabelled texts, or without any of the real training texts, scrubbed."""
    store = open_store()
    if unlabelled:
        rows = store.get_rows(unlabelled)
    else:
        rows = read_real_rows(real.source, "train", taxonomy).kept if real else []
    chosen = np.random.default_rng(seed).permutation(len(rows))[:MAX_HUMAN_TEXTS]
    drawn = [rows[i] for i in chosen.tolist()]
    return store.put_rows(drawn if unlabelled else scrub_rows(drawn, scrubbing).kept)


def read_unlabelled(run: RunContext) -> DatasetRef | None:
    """The user's unlabelled texts, cleaned and scrubbed; None where none were given."""
    if run.unlabelled is None:
        return None
    read = run.call(
        read_unlabelled_task,
        unlabelled=run.unlabelled,
        real=run.real,
        taxonomy=run.taxonomy,
        cleaning=run.config.cleaning,
        scrubbing=run.config.scrubbing,
    )
    run.ledger.add_rejects(read.rejects)
    return read.kept if read.kept.n_rows else None


def unlabelled_human_texts(run: RunContext) -> DatasetRef | None:
    """Texts as people write them, whose labels nobody reads, where the shares of the labels are known.

    The user's unlabelled texts, else the texts of the human training rows; None without either.
    """
    if run.taxonomy.shares is None or not (run.unlabelled or run.real):
        return None
    drawn: DatasetRef = run.call(
        human_texts_task,
        unlabelled=read_unlabelled(run),
        real=run.real,
        taxonomy=run.taxonomy,
        scrubbing=run.config.scrubbing,
        seed=run.config.seed,
    )
    return drawn if drawn.n_rows else None


def add_unlabelled(run: RunContext, rows: DatasetRef) -> DatasetRef:
    """Add the unlabelled texts of which the votes are sure to the training rows."""
    unlabelled, config = read_unlabelled(run), run.config
    if unlabelled is None or not config.verifying.enabled:
        return rows
    teacher = fit_real_data_model(run)
    voted = run.call(
        guess_labels_task,
        unlabelled=unlabelled,
        known=rows,
        taxonomy=run.taxonomy,
        seed=config.seed,
        teacher=teacher,
    )
    labelled = run.call(
        label_by_votes_task,
        unlabelled=ask_judge(run, voted),
        known=rows,
        taxonomy=run.taxonomy,
        verifying=config.verifying,
        seed=config.seed,
        weights=teacher.weights if teacher else None,
    )
    run.ledger.add_rejects(labelled.rejects)
    return run.store.put_rows([*run.store.get_rows(rows), *run.store.get_rows(labelled.kept)])


def drift_reference(run: RunContext, model: ModelRef) -> DatasetRef | None:
    """What live texts are compared with in place of training texts; None without unlabelled texts."""
    unlabelled = read_unlabelled(run)
    if unlabelled is None:
        return None
    return run.call(
        drift_reference_task,
        unlabelled=unlabelled,
        model=model,
        taxonomy=run.taxonomy,
        seed=run.config.seed,
    )
