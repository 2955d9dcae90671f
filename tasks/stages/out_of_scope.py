"""Texts on other matters: some to learn from, others to see how many are left without a label.

Of the topics on offer, the ten that lie furthest from the run's own are measured on. The classifier learns
from the others, which lie nearer, so that it is measured on matters that it has not seen.
"""

from collections.abc import Sequence

from tasks.config import PromptForm, ScrubbingConfig
from tasks.data.columns import texts_of
from tasks.data.records import Row
from tasks.data.references import DatasetRef, ModelRef, SampledRef
from tasks.data.system_scores import OutOfScope
from tasks.orchestration.caching import stage
from tasks.orchestration.engines import release_engines
from tasks.orchestration.run import RunContext
from tasks.pipeline.decision.selective import least_alike, refusals
from tasks.pipeline.decision.thresholds import decide_as
from tasks.pipeline.planning.requests import unconditional_requests
from tasks.pipeline.scrubbing import scrub_rows
from tasks.pipeline.training.classifier import load_classifier, predict
from tasks.stages.sampling import sample_requests
from tasks.storage.connection import open_store
from tasks.taxonomy import Taxonomy, Topic, load_out_of_scope

N_TOPICS = 10


@stage("out-of-scope")
def out_of_scope_task(
    *,
    texts: tuple[DatasetRef, ...],
    model: ModelRef,
    taxonomy: Taxonomy,
    topics: tuple[str, ...],
    scrubbing: ScrubbingConfig,
) -> OutOfScope:
    """What the classifier says about texts that carry none of its labels, scrubbed as the service does."""
    said = texts_of(_scrubbed(texts, scrubbing))
    classifier, tokenizer, settings = load_classifier(open_store().get_folder(model))
    found = predict(classifier, tokenizer, said, settings["max_length"], "out of scope").astype(float)
    decided = decide_as(settings, found)
    return refusals(said, found, decided, settings.get("unsure_below", 0.0), taxonomy.names, topics)


@stage("negatives")
def negatives_task(*, texts: tuple[DatasetRef, ...], scrubbing: ScrubbingConfig) -> DatasetRef:
    """Training rows without a label, scrubbed as all of them are."""
    return open_store().put_rows([{**row, "split": "train"} for row in _scrubbed(texts, scrubbing)])


def _scrubbed(texts: tuple[DatasetRef, ...], scrubbing: ScrubbingConfig) -> list[Row]:
    store = open_store()
    rows = [row for ref in texts for row in store.get_rows(ref) if row["text"].strip()]
    return scrub_rows(rows, scrubbing).kept


def write_negatives(run: RunContext) -> DatasetRef | None:
    """Let the generator write what no label fits, for training; None where none is wanted."""
    n_texts = run.config.plan.negatives
    if not (n_texts and run.wants_synthetic):
        return None
    measured = _measured_topics(run)
    topics = [topic for topic in load_out_of_scope().topics if topic not in measured]
    texts = _write_about(run, topics, n_texts, "sample, negatives")
    release_engines()
    return run.call(negatives_task, texts=texts, scrubbing=run.config.scrubbing)


def measure_out_of_scope(run: RunContext, model: ModelRef) -> OutOfScope | None:
    """Let the generator write about topics unlike the plan's, without a label; None where none is wanted."""
    n_texts = run.config.evaluation.out_of_scope_texts
    if not (n_texts and run.wants_synthetic):
        return None
    topics = _measured_topics(run)
    return run.call(
        out_of_scope_task,
        texts=_write_about(run, topics, n_texts, "sample, out of scope"),
        model=model,
        taxonomy=run.taxonomy,
        topics=tuple(topic.name for topic in topics),
        scrubbing=run.config.scrubbing,
    )


def _measured_topics(run: RunContext) -> list[Topic]:
    return least_alike(load_out_of_scope().topics, run.topics.topics, run.taxonomy, N_TOPICS)


def _write_about(
    run: RunContext, topics: Sequence[Topic], n_texts: int, title: str
) -> tuple[SampledRef, ...]:
    """Texts without a label, spread over the topics."""
    form = run.config.generator.prompt_form or PromptForm.chat
    styles = load_out_of_scope().styles
    sizes = [n_texts // len(topics) + (i < n_texts % len(topics)) for i in range(len(topics))]
    requests = [
        unconditional_requests(topic, styles, form, n, run.config.seed + i)
        for i, (topic, n) in enumerate(zip(topics, sizes, strict=True))
        if n
    ]
    return sample_requests(run, requests, title).refs
