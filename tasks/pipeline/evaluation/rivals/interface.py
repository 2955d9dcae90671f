"""What a rival is asked and how its scores become label sets."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tasks.config import RivalsConfig
from tasks.data.arrays import Matrix
from tasks.pipeline.decision.rule import fit_rule
from tasks.pipeline.evaluation.baselines import Baseline, Labelled
from tasks.taxonomy import Taxonomy

Likelihoods = Callable[[Sequence[tuple[str, str]]], list[float]]
"""Log-likelihoods, in nats, of texts after prompts."""
EDGE = 1e-6
DEFAULT_MODELS = RivalsConfig()


@dataclass(frozen=True)
class Answers:
    """What a language model behind an endpoint answered."""

    texts: list[str]
    """One per prompt, in order."""
    n_prompt_tokens: int
    n_answer_tokens: int


@dataclass(frozen=True)
class Problem:
    """What every rival is given."""

    train: Labelled
    """Texts that rivals which learn learn from; zero-shot rivals leave them alone."""
    validation: Labelled
    """Texts that choose calibration and thresholds."""
    weights: Matrix | None
    """(n_validation,) texts out there that each stands for, as for the classifier; None means one."""
    tests: Mapping[str, Sequence[str]]
    """Texts of each test set."""
    taxonomy: Taxonomy
    seed: int
    min_positives: int
    """See `choose_thresholds`."""
    human_texts: Sequence[str] = ()
    """Human-written texts without labels, where they decide with the validation texts; see `fit_rule`."""
    models: RivalsConfig = DEFAULT_MODELS
    likelihoods: Likelihoods | None = None
    """The generator; given to the rival that asks it."""
    prompt: Callable[[int | None], str] | None = None
    """The generator's prompt for one label, by its place, or with the labels left open (None)."""
    answers: Callable[[Sequence[str]], Answers] | None = None
    """The LLM; given to the rival that asks it."""
    generator_mb: float | None = None
    """Size of the generator's weights."""


class Rival(Protocol):
    """Something that labels texts."""

    def __call__(self, problem: Problem) -> Baseline:
        """Probabilities for every test set, and thresholds from validation."""
        ...


Scores = Callable[[Sequence[str]], Matrix]
"""From n texts to scores (n, n_labels): any numbers, higher is more likely."""


def label_by_scores(
    problem: Problem,
    scores: Scores,
    weights_mb: float | None = None,
    score_validation: Scores | None = None,
) -> Baseline:
    """Turn scores into calibrated probabilities and thresholds, both chosen on validation texts alone.

    Scores are standardised label by label on the validation texts; then they go through the same Platt
    scaling and the same threshold rule as the classifier's.

    Args:
        problem: Texts to label.
        scores: The rival; timed on the test texts.
        weights_mb: Size of its weights in memory, in 10^6 bytes.
        score_validation: Scores of the validation texts where a faster way is known.
    """
    texts, targets = problem.validation
    raw = np.asarray((score_validation or scores)(texts), dtype=float)
    mean, deviation = raw.mean(axis=0), np.maximum(raw.std(axis=0), EDGE)

    def probabilities(found: Matrix) -> Matrix:
        standardised: Matrix = 1 / (1 + np.exp(-np.clip((found - mean) / deviation, -30, 30)))
        return standardised

    human = (
        probabilities(np.asarray(scores(problem.human_texts), dtype=float)) if problem.human_texts else None
    )
    rule = fit_rule(
        probabilities(raw), targets, problem.weights, problem.min_positives, human, problem.taxonomy.shares
    )
    started = time.perf_counter()
    found = {name: np.asarray(scores(list(test)), dtype=float) for name, test in problem.tests.items()}
    seconds = time.perf_counter() - started
    return Baseline(
        {name: rule.calibrated(probabilities(some)) for name, some in found.items()},
        rule.thresholds,
        rule.recalibration,
        seconds=seconds,
        weights_mb=weights_mb,
    )


def log_odds(probabilities: Matrix) -> Matrix:
    """Logits of probabilities, kept finite."""
    bounded = np.clip(probabilities, EDGE, 1 - EDGE)
    odds: Matrix = np.log(bounded / (1 - bounded))
    return odds


def megabytes(model: object) -> float:
    """Size of a torch module's parameters in memory, in 10^6 bytes."""
    parameters = model.parameters()  # type: ignore[attr-defined]
    return float(sum(p.numel() * p.element_size() for p in parameters)) / 1e6
