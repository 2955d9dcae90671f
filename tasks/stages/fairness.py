"""From a classifier to what it does to people, and to the rows that teach it better."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.config import FairnessConfig, PromptForm, ScrubbingConfig
from tasks.data.fairness_scores import Correction, Fairness, FairnessAudit, GeneratorBias, RateGap
from tasks.data.real_rows import real_rows
from tasks.data.references import DatasetRef, ModelRef, RealRef
from tasks.data.scores import CLASSIFIER, REAL, SYNTHETIC
from tasks.orchestration.caching import stage
from tasks.orchestration.run import Run
from tasks.pipeline.decision.thresholds import decide
from tasks.pipeline.fairness import (
    audit_classifier,
    counterfactual_rows,
    group_topics,
    measure_generator_bias,
    rate_gaps,
    templates_digest,
)
from tasks.pipeline.fairness.violations import violated_limits
from tasks.pipeline.planning.requests import unconditional_requests
from tasks.pipeline.scrubbing import SCRUBBER_VERSION, Scrubber
from tasks.pipeline.training.classifier import load_classifier, predict
from tasks.stages.evaluation import Evaluation, evaluate
from tasks.stages.sampling import sample_requests
from tasks.stages.training import fit_classifier
from tasks.storage.connection import open_store
from tasks.taxonomy import Taxonomy

STRONGER = 4.0
"""Factor on the weight of pairing, correction by correction."""


VERSION = f"1+{SCRUBBER_VERSION}+{templates_digest()}"

Matrix = NDArray[np.float64]


@stage("audit-fairness", version=VERSION)
def audit_fairness_task(
    model: ModelRef, taxonomy: Taxonomy, config: FairnessConfig, real: RealRef | None
) -> FairnessAudit:
    """Ask the classifier about pairs that should be labelled alike, raw and as deployed."""
    ask, scrub, cut = _service(open_store().get_folder(model))
    rates = _rates(ask, scrub, cut, taxonomy, real) if real else []
    return audit_classifier(ask, cut, scrub, config.pairs, rates)


@stage("counterfactuals", version=f"2+{templates_digest()}")
def counterfactuals_task(rows: DatasetRef, share: float, seed: int) -> DatasetRef:
    """Couples of rows that differ in whom they are about, as a share of the training rows."""
    store = open_store()
    train = [row for row in store.get_rows(rows) if row["split"] == "train"]
    return store.put_rows(counterfactual_rows(train, round(share * len(train)), seed))


@stage("generator-bias", version=VERSION)
def generator_bias_task(texts: tuple[DatasetRef, ...], model: ModelRef) -> GeneratorBias:
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
    thresholds = np.array(settings["thresholds"])
    scrubber = Scrubber(ScrubbingConfig.model_validate(settings["scrubbing"]))

    def ask(texts: list[str]) -> Matrix:
        return predict(model, tokenizer, texts, settings["max_length"], "audit fairness").astype(float)

    def scrub(texts: list[str]) -> list[str]:
        return [scrubbed.text for scrubbed in scrubber.many(texts)]

    return ask, scrub, lambda probabilities: decide(probabilities, thresholds)


def _rates(ask: Ask, scrub: Scrub, cut: Cut, taxonomy: Taxonomy, real: RealRef) -> list[RateGap]:
    """Gaps on human-written text, whose groups can only be known before it is scrubbed."""
    rows = real_rows(real.source, "test", taxonomy)
    texts = [row["text"] for row in rows]
    truth = np.array([row["targets"] for row in rows]) >= 0.5
    return rate_gaps(texts, truth, cut(ask(scrub(texts))), taxonomy.names)


def make_fair(
    run: Run, model: ModelRef, rows: DatasetRef, scores: Evaluation
) -> tuple[ModelRef, Evaluation, Fairness | None]:
    """Audit a classifier and, while it exceeds a limit, retrain it with counterfactual pairs.

    Each correction adds twice as many pairs as the one before, and weighs their pairing four times as much.

    Returns:
        The last model, its scores, and what was found; None where no audit is wanted.
    """
    config = run.config.fairness
    if not config.enabled:
        return model, scores, None
    audit = _audit(run, model)
    corrections: list[Correction] = []
    while (before := violated_limits(audit, config)) and len(corrections) < config.corrections:
        n, old, old_scores = len(corrections), audit, scores
        counterfactuals = run.call(
            counterfactuals_task, rows, config.augmentation * 2**n, run.config.seed + n
        )
        pairing = config.pairing * STRONGER**n
        model = fit_classifier(run, rows, counterfactuals, pairing)
        scores, audit = evaluate(run, model, rows), _audit(run, model)
        corrections.append(
            Correction(
                n_rows=counterfactuals.n_rows,
                pairing=pairing,
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
    return model, scores, found


def _audit(run: Run, model: ModelRef) -> FairnessAudit:
    return run.call(audit_fairness_task, model, run.taxonomy, run.config.fairness, run.real)


def _generator_bias(run: Run, model: ModelRef) -> GeneratorBias | None:
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
    return run.call(generator_bias_task, sample_requests(run, cell_requests, "sample, about groups"), model)


def _f1(scores: Evaluation) -> float:
    """Macro-F1 of the classifier on the test set that decides."""
    found = {
        system.test_set: system.metrics.f1_macro for system in scores.results if system.name == CLASSIFIER
    }
    return found.get(REAL, found.get(SYNTHETIC, 0.0))
