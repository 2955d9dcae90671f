"""From a classifier to what it does to people, and to the rows that teach it better."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.config import PromptForm, ScrubbingConfig
from tasks.data.fairness_scores import Correction, Fairness, FairnessAudit, GeneratorBias, RateGap
from tasks.data.real_rows import real_rows
from tasks.data.references import DatasetRef, ModelRef, RealRef
from tasks.data.scores import CLASSIFIER, REAL, SYNTHETIC
from tasks.orchestration.caching import stage
from tasks.orchestration.run import RunContext
from tasks.pipeline.decision.thresholds import decide_as
from tasks.pipeline.fairness import (
    audit_classifier,
    counterfactual_rows,
    group_topics,
    measure_generator_bias,
    rate_gaps,
)
from tasks.pipeline.fairness.violations import violated_limits
from tasks.pipeline.planning.requests import unconditional_requests
from tasks.pipeline.scrubbing import Scrubber
from tasks.pipeline.training.classifier import load_classifier, predict
from tasks.stages.evaluation import Evaluation, evaluate
from tasks.stages.sampling import sample_requests
from tasks.stages.training import calibrate, train
from tasks.storage.connection import open_store
from tasks.taxonomy import Taxonomy

STRONGER = 4.0
"""Factor on the weight of pairing, correction by correction."""


Matrix = NDArray[np.float64]


@stage("audit-fairness")
def audit_fairness_task(
    *, model: ModelRef, taxonomy: Taxonomy, pairs: int, real: RealRef | None
) -> FairnessAudit:
    """Ask the classifier about pairs that should be labelled alike, raw and as deployed."""
    return audit_folder(open_store().get_folder(model), taxonomy=taxonomy, pairs=pairs, real=real)


def audit_folder(folder: Path, *, taxonomy: Taxonomy, pairs: int, real: RealRef | None) -> FairnessAudit:
    """Audit a saved classifier, see `audit_classifier`; with real data also its recall per group."""
    ask, scrub, cut = _service(folder)
    rates = _rates(ask, scrub, cut, taxonomy, real) if real else []
    return audit_classifier(ask, cut, scrub, pairs, rates)


@stage("counterfactuals")
def counterfactuals_task(*, rows: DatasetRef, fraction: float, seed: int) -> DatasetRef:
    """Pairs of rows that differ in whom they are about; `fraction` is their number per training row."""
    store = open_store()
    own = [row for row in store.get_rows(rows) if row["split"] == "train"]
    return store.put_rows(counterfactual_rows(own, round(fraction * len(own)), seed))


@stage("generator-bias")
def generator_bias_task(*, texts: tuple[DatasetRef, ...], model: ModelRef) -> GeneratorBias:
    """What the generator wrote about groups, labelled by a classifier that does not see the group.

    `texts` are those of each of `group_topics`, in that order.
    """
    store = open_store()
    found = [
        ((axis, group), row["text"])
        for ref, (axis, group, _) in zip(texts, group_topics(), strict=True)
        for row in store.get_rows(ref)
        if row["text"].strip()
    ]
    ask, scrub, _ = _service(store.get_folder(model))
    return measure_generator_bias(
        [group_key for group_key, _ in found], ask(scrub([text for _, text in found]))
    )


Ask = Callable[[list[str]], Matrix]
Scrub = Callable[[list[str]], list[str]]
Cut = Callable[[Matrix], NDArray[np.bool_]]


def _service(folder: Path) -> tuple[Ask, Scrub, Cut]:
    """What the service does with a text: probabilities, scrubbing, label sets."""
    model, tokenizer, settings = load_classifier(folder)
    scrubber = Scrubber(ScrubbingConfig.model_validate(settings["scrubbing"]))

    def ask(texts: list[str]) -> Matrix:
        return predict(model, tokenizer, texts, settings["max_length"], "audit fairness").astype(float)

    def scrub(texts: list[str]) -> list[str]:
        return [scrubbed.text for scrubbed in scrubber.many(texts)]

    return ask, scrub, partial(decide_as, settings)


def _rates(ask: Ask, scrub: Scrub, cut: Cut, taxonomy: Taxonomy, real: RealRef) -> list[RateGap]:
    """Gaps on human-written text, whose groups can only be known before it is scrubbed."""
    rows = real_rows(real.source, "test", taxonomy)
    texts = [row["text"] for row in rows]
    truth = np.array([row["targets"] for row in rows]) >= 0.5
    return rate_gaps(texts, truth, cut(ask(scrub(texts))), taxonomy.names)


class AuditedClassifier(NamedTuple):
    """A classifier, its scores, and what the audit of its fairness found; None where none is wanted."""

    model: ModelRef
    scores: Evaluation
    fairness: Fairness | None


def make_fair(run: RunContext, rows: DatasetRef, model: ModelRef, scores: Evaluation) -> AuditedClassifier:
    """Audit a classifier and, while it exceeds a limit, retrain it with counterfactual pairs.

    Each correction adds twice as many pairs as the one before, and weighs their pairing four times as much.
    """
    config = run.config.fairness
    if not config.enabled:
        return AuditedClassifier(model, scores, None)
    audit = _audit(run, model)
    corrections: list[Correction] = []
    while (before := violated_limits(audit, config)) and len(corrections) < config.corrections:
        n, old, old_scores = len(corrections), audit, scores
        model = _corrected(run, rows, n)
        scores = evaluate(run, model, rows, fit=partial(_corrected, run, n=n))
        audit = _audit(run, model)
        corrections.append(
            Correction(
                n_rows=_counterfactuals(run, rows, n).n_rows,
                pairing=config.pairing * STRONGER**n,
                before=before,
                after=violated_limits(audit, config),
                f1_before=_f1(old_scores),
                f1_after=_f1(scores),
                raw=old.raw,
                deployed=old.deployed,
            )
        )
    found = Fairness(
        audit=audit,
        corrections=tuple(corrections),
        violations=violated_limits(audit, config),
        generator_bias=_generator_bias(run, model),
    )
    return AuditedClassifier(model, scores, found)


def _counterfactuals(run: RunContext, rows: DatasetRef, n: int) -> DatasetRef:
    """Pairs of rows of the n-th correction, counted from 0."""
    fraction = run.config.fairness.augmentation * 2**n
    return run.call(counterfactuals_task, rows=rows, fraction=fraction, seed=run.config.seed + n)


def _corrected(run: RunContext, rows: DatasetRef, n: int) -> ModelRef:
    """A classifier trained with the pairs of the n-th correction, counted from 0."""
    pairs, weight = _counterfactuals(run, rows, n), run.config.fairness.pairing * STRONGER**n
    return calibrate(run, train(run, rows, counterfactuals=pairs, pairing=weight), rows)


def _audit(run: RunContext, model: ModelRef) -> FairnessAudit:
    pairs = run.config.fairness.pairs
    return run.call(audit_fairness_task, model=model, taxonomy=run.taxonomy, pairs=pairs, real=run.real)


def _generator_bias(run: RunContext, model: ModelRef) -> GeneratorBias | None:
    """What the generator writes about groups by itself; None where there is no generator."""
    n_texts = run.config.fairness.generator_texts
    if not (n_texts and run.wants_synthetic):
        return None
    form = run.config.generator.prompt_form or PromptForm.chat
    # The same seed for all: manner and length differ within a group, not between groups.
    cell_requests = [
        unconditional_requests(topic, run.topics.styles, form, n_texts, run.config.seed)
        for _, _, topic in group_topics()
    ]
    texts = sample_requests(run, cell_requests, "sample, about groups")
    return run.call(generator_bias_task, texts=texts.refs, model=model)


def _f1(scores: Evaluation) -> float:
    """Macro-F1 of the classifier on the test set that decides."""
    found = {
        system.test_set: system.metrics.f1_macro for system in scores.results if system.name == CLASSIFIER
    }
    return found.get(REAL, found.get(SYNTHETIC, 0.0))
