"""From the finished rows to a review of them: how varied they are, and how far from what people write."""

from collections.abc import Sequence

import numpy as np

from tasks.config import CleaningConfig, ScrubbingConfig
from tasks.data.data_profile import DataProfile, LabelProfile
from tasks.data.real_rows import real_rows
from tasks.data.records import Row
from tasks.data.references import DatasetRef, RealRef
from tasks.data.scores import Figure, Review
from tasks.models.embedding import embed
from tasks.orchestration.caching import stage
from tasks.orchestration.run import RunContext
from tasks.pipeline.cleaning import clean_rows
from tasks.pipeline.cleaning.toxicity import can_judge
from tasks.pipeline.diversity import (
    Figures,
    dispersion,
    real_auc,
    reference_range,
    sample_size_bucket,
    topic_leak,
    wording,
)
from tasks.pipeline.diversity.label_fidelity import judge_labels
from tasks.pipeline.diversity.topics import nearest_topics
from tasks.pipeline.scrubbing import scrub_rows
from tasks.pipeline.verification.disagreement import disputes, taken_for
from tasks.storage.connection import open_store
from tasks.taxonomy import Taxonomy, Topics

MAX_REAL_PER_LABEL = 100
"""Real texts of a label that synthetic ones are told from, at most."""


@stage("review")
def review_task(
    *,
    rows: DatasetRef,
    real: RealRef | None,
    taxonomy: Taxonomy,
    topics: Topics,
    cleaning: CleaningConfig,
    scrubbing: ScrubbingConfig,
    judges_toxicity: bool,
    seed: int,
) -> Review:
    """Measure the synthetic rows, each figure beside the range of real text."""
    own = [row for row in open_store().get_rows(rows) if row["source"] == "synthetic"]
    if not own:
        return Review(n_texts=0, figures=(), flags={}, n_mixed=0)
    n = sample_size_bucket(len(own)) or 0
    figures = wording([row["text"] for row in own], [row["labels"] for row in own], n or len(own) + 1, seed)
    figures |= _meaning(own, topics, n or len(own), seed)
    real_texts = _real_sample(real, taxonomy, cleaning, scrubbing, seed) if real else []
    if real_texts:
        area = real_auc(_labelled(own), _labelled(real_texts), seed)
        figures |= {} if area is None else {"real_auc": area}
    found = [(name, value, reference_range(name, n)) for name, value in figures.items()]
    return Review(
        n_texts=n or len(own),
        figures=tuple(
            Figure(name=k, value=v, low=b[0] if b else None, high=b[1] if b else None) for k, v, b in found
        ),
        flags={kind: sum(kind in row["votes"] for row in own) for kind in _kinds(judges_toxicity)},
        n_mixed=sum(bool(row["segments"]) for row in own),
        profile=_profile(own, real_texts, taxonomy, topics, seed),
    )


def _kinds(judges_toxicity: bool) -> tuple[str, ...]:
    return ("profanity", "toxicity") if judges_toxicity else ("profanity",)


def _meaning(rows: Sequence[Row], topics: Topics, n_texts: int, seed: int) -> Figures:
    """Figures of meaning on `n_texts` rows drawn at random."""
    chosen = np.random.default_rng(seed).permutation(len(rows))[:n_texts]
    drawn = [rows[i] for i in chosen]
    vectors = embed([row["text"] for row in drawn], "embed texts")
    nearest = nearest_topics(vectors, topics.topics)
    single = [i for i, row in enumerate(drawn) if len(row["labels"]) == 1]
    leak = topic_leak([nearest[i] for i in single], [drawn[i]["labels"][0] for i in single], seed)
    return {"dispersion": dispersion(vectors), **({} if leak is None else {"topic_leak": leak})}


def _profile(
    rows: Sequence[Row], human: Sequence[Row], taxonomy: Taxonomy, topics: Topics, seed: int
) -> DataProfile:
    """Whether texts are about their topic and of their label, and who disputes which label."""
    vectors = embed([row["text"] for row in rows], "embed texts")
    nearest = nearest_topics(vectors, topics.topics)
    on_topic = np.array([topics.names[i] == row["topic"] for i, row in zip(nearest, rows, strict=True)])
    judged = judge_labels(vectors, rows, human, taxonomy, seed)
    disputed, mistaken = disputes(rows, taxonomy.names), taken_for(rows, taxonomy.names)
    carries = {name: np.array([name in row["labels"] for row in rows]) for name in taxonomy.names}
    return DataProfile(
        topic_fidelity=float(on_topic.mean()),
        n_topics=len(topics.topics),
        label_fidelity=float(judged.hits.mean()) if judged else None,
        label_fidelity_human=judged.human if judged else None,
        n_human=judged.n_human if judged else 0,
        top=judged.top if judged else 1,
        labels=tuple(
            LabelProfile(
                label=name,
                n_texts=int(own.sum()),
                topic_fidelity=float(on_topic[own].mean()) if own.any() else None,
                label_fidelity=float(judged.hits[own].mean()) if judged and own.any() else None,
                disputes=disputed[name],
                taken_for=mistaken[name],
            )
            for name, own in carries.items()
        ),
    )


def _real_sample(
    real: RealRef, taxonomy: Taxonomy, cleaning: CleaningConfig, scrubbing: ScrubbingConfig, seed: int
) -> list[Row]:
    """Real training rows, a few per label, cleaned and scrubbed like synthetic ones."""
    rows = [row for row in real_rows(real.source, "train", taxonomy) if len(row["labels"]) == 1]
    order = np.random.default_rng(seed).permutation(len(rows))
    left = dict.fromkeys(taxonomy.names, MAX_REAL_PER_LABEL)
    chosen = []
    for i in order.tolist():
        label = rows[i]["labels"][0]
        if left[label]:
            left[label] -= 1
            chosen.append(rows[i])
    return scrub_rows(clean_rows(chosen, cleaning).kept, scrubbing).kept


def _labelled(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Text and label of the rows with one label."""
    return [(row["text"], row["labels"][0]) for row in rows if len(row["labels"]) == 1]


def review(run: RunContext, rows: DatasetRef) -> Review:
    """Say what the synthetic rows are like."""
    config = run.config
    return run.call(
        review_task,
        rows=rows,
        real=run.real,
        taxonomy=run.taxonomy,
        topics=run.topics,
        cleaning=config.cleaning,
        scrubbing=config.scrubbing,
        judges_toxicity=can_judge(),
        seed=config.seed,
    )
