"""The audit of a run's classifier, and its correction while it treats people too differently."""


from tasks.stages.fairness import audit_fairness_task, counterfactuals_task, judge_tone_task
from tasks.stages.learning import Evaluation
from tasks.config import PromptForm
from tasks.equity import Audit, Correction, Fairness, Tone, complaints
from tasks.fairness import group_topics
from tasks.orders import open_order
from tasks.records import DatasetRef, ModelRef
from tasks.reporting.scores import CLASSIFIER, REAL, SYNTHETIC
from tasks.runs import Run, draw, evaluate, fit_classifier

STRONGER = 4.0
"""Factor on the weight of pairing, correction by correction."""


def make_fair(
    run: Run, model: ModelRef, rows: DatasetRef, scores: Evaluation
) -> tuple[ModelRef, Evaluation, Fairness | None]:
    """Audit a classifier and, while it passes a limit, train it anew with counterfactual twins.

    Each correction adds twice as many twins as the one before and weighs their pairing four times as much.

    Returns:
        The last model, its scores, and what was found; None where no audit is wanted.
    """
    config = run.config.fairness
    if not config.enabled:
        return model, scores, None
    audit = _audit(run, model)
    corrections: list[Correction] = []
    while (before := complaints(audit, config)) and len(corrections) < config.corrections:
        n, old, old_scores = len(corrections), audit, scores
        twins = run.step(counterfactuals_task, rows, config.augmentation * 2**n, run.config.seed + n)
        pairing = config.pairing * STRONGER**n
        model = fit_classifier(run, rows, twins, pairing)
        scores, audit = evaluate(run, model, rows), _audit(run, model)
        corrections.append(
            Correction(
                n_rows=twins.n_rows,
                pairing=pairing,
                before=before,
                after=complaints(audit, config),
                f1_before=_f1(old_scores),
                f1_after=_f1(scores),
                raw=old.raw,
                deployed=old.deployed,
            )
        )
    found = Fairness(
        audit=audit,
        corrections=tuple(corrections),
        complaints=complaints(audit, config),
        tone=_tone(run, model),
    )
    return model, scores, found


def _audit(run: Run, model: ModelRef) -> Audit:
    return run.step(audit_fairness_task, model, run.taxonomy, run.config.fairness, run.real)


def _tone(run: Run, model: ModelRef) -> Tone | None:
    """What the generator writes about groups by itself; None where there is no generator."""
    n_texts = run.config.fairness.generator_texts
    if not (n_texts and run.wants_synthetic):
        return None
    form = run.config.generator.prompt_form or PromptForm.control
    # The same seed for all: manner and length differ within a group, not between groups.
    orders = [
        open_order(topic, run.topics.styles, form, n_texts, run.config.seed) for _, _, topic in group_topics()
    ]
    return run.step(judge_tone_task, draw(run, orders, "sample, about groups"), model)


def _f1(scores: Evaluation) -> float:
    """Macro-F1 of the classifier on the test set that decides."""
    found = {arm.test_set: arm.metrics.f1_macro for arm in scores.arms if arm.name == CLASSIFIER}
    return found.get(REAL, found.get(SYNTHETIC, 0.0))
