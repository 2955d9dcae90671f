"""Texts on other matters, and how many of them the classifier leaves without a label."""

import numpy as np

from tasks.config import PromptForm, ScrubbingConfig
from tasks.data.columns import texts_of
from tasks.data.references import DatasetRef, ModelRef
from tasks.data.system_scores import OutOfScope
from tasks.orchestration.caching import stage
from tasks.orchestration.run import RunContext
from tasks.pipeline.decision.selective import least_alike, refusals
from tasks.pipeline.planning.requests import unconditional_requests
from tasks.pipeline.scrubbing import scrub_rows
from tasks.pipeline.training.classifier import load_classifier, predict
from tasks.stages.sampling import sample_requests
from tasks.storage.connection import open_store
from tasks.taxonomy import Taxonomy, load_out_of_scope

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
    store = open_store()
    rows = [row for ref in texts for row in store.get_rows(ref) if row["text"].strip()]
    said = texts_of(scrub_rows(rows, scrubbing).kept)
    classifier, tokenizer, settings = load_classifier(store.get_folder(model))
    found = predict(classifier, tokenizer, said, settings["max_length"], "out of scope").astype(float)
    thresholds = np.array(settings["thresholds"])
    return refusals(said, found, thresholds, settings.get("unsure_below", 0.0), taxonomy.names, topics)


def measure_out_of_scope(run: RunContext, model: ModelRef) -> OutOfScope | None:
    """Let the generator write about topics unlike the plan's, without a label; None where none is wanted."""
    n_texts = run.config.evaluation.out_of_scope_texts
    if not (n_texts and run.wants_synthetic):
        return None
    form = run.config.generator.prompt_form or PromptForm.chat
    offered = load_out_of_scope()
    topics = least_alike(offered.topics, run.topics.topics, run.taxonomy, N_TOPICS)
    sizes = [n_texts // N_TOPICS + (i < n_texts % N_TOPICS) for i in range(N_TOPICS)]
    requests = [
        unconditional_requests(topic, offered.styles, form, n, run.config.seed + i)
        for i, (topic, n) in enumerate(zip(topics, sizes, strict=True))
        if n
    ]
    texts = sample_requests(run, requests, "sample, out of scope")
    return run.call(
        out_of_scope_task,
        texts=texts.refs,
        model=model,
        taxonomy=run.taxonomy,
        topics=tuple(topic.name for topic in topics),
        scrubbing=run.config.scrubbing,
    )
