"""From probabilities to labels: human texts without labels tell what synthetic ones cannot."""

import numpy as np
import pytest
from scipy.special import expit

from tasks.pipeline.decision.calibration import apply_platt, match_shares
from tasks.pipeline.decision.rule import MIN_HUMAN_TEXTS, fit_rule
from tasks.pipeline.decision.thresholds import choose_thresholds
from tasks.pipeline.evaluation.baselines import tfidf_logreg

HALF = (np.arange(2_000) % 2).astype(float)[:, None]
TENTH = (np.arange(2_000) % 10 == 0).astype(float)[:, None]


def scores(targets, loss, seed):
    """Probabilities of texts of which those with the label score two more; `loss` is lost on all of them."""
    return expit(2 * targets - 1 - loss + np.random.default_rng(seed).normal(0, 1, targets.shape))


def f1(decided, targets):
    return 2 * (decided * targets).sum() / (decided.sum() + targets.sum())


def test_the_mean_probability_becomes_the_share():
    raw = np.random.default_rng(0).random((500, 3))
    slope = np.array([0.5, 1.0, 3.0])

    intercept = match_shares(raw, slope, np.array([0.001, 0.2, 0.97]))

    assert apply_platt(raw, slope, intercept).mean(axis=0) == pytest.approx([0.001, 0.2, 0.97], abs=1e-9)


def test_human_texts_say_how_often_a_label_is_found():
    validation, human, tested = scores(HALF, 0.0, 0), scores(TENTH, 2.0, 1), scores(TENTH, 2.0, 2)
    weights = np.where(HALF[:, 0] > 0, 0.2, 1.8)

    blind = fit_rule(validation, HALF, weights, 1)
    seeing = fit_rule(validation, HALF, weights, 1, human, (0.1,))

    assert seeing.calibrated(human).mean() == pytest.approx(0.1, abs=1e-9)
    assert seeing.slope == pytest.approx(blind.slope)
    assert (blind.calibrated(tested) >= blind.thresholds).mean() < 0.02
    assert (seeing.calibrated(tested) >= seeing.thresholds).mean() == pytest.approx(0.13, abs=0.05)
    assert f1(seeing.calibrated(tested) >= seeing.thresholds, TENTH) > 0.5
    assert f1(blind.calibrated(tested) >= blind.thresholds, TENTH) < 0.25


@pytest.mark.parametrize(
    "given", [{}, {"shares": (0.1,)}, {"human": True}, {"human": False, "shares": (0.1,)}]
)
def test_without_shares_or_with_few_human_texts_validation_decides_alone(given):
    validation = scores(HALF, 0.0, 0)
    if "human" in given:
        given = {**given, "human": validation[: None if given["human"] else MIN_HUMAN_TEXTS - 1]}
    rule = fit_rule(validation, HALF, None, 1, **given)

    assert rule.thresholds == pytest.approx(choose_thresholds(rule.calibrated(validation), HALF, 1))


def test_rivals_follow_the_same_rule():
    good, bad = ["a lovely day", "lovely soup"] * 30, ["a sad day", "cold soup"] * 30
    texts, targets = good + bad, np.eye(2)[[0] * 60 + [1] * 60]
    human = ["lovely walk"] * 30 + ["sad walk"] * 90
    given = texts, targets, texts, targets, {"human": human}, 0, 1, np.ones(120)

    plain, held = tfidf_logreg(*given), tfidf_logreg(*given, human_texts=human, shares=(0.4, 0.6))

    assert held.probabilities["human"].mean(axis=0) == pytest.approx([0.4, 0.6], abs=1e-9)
    assert plain.probabilities["human"].mean(axis=0) != pytest.approx([0.4, 0.6], abs=0.01)
