"""Calibration: it corrects what is off, leaves what is right, and is regularised on few texts."""

import numpy as np
import pytest
from scipy.special import expit, logit

from tasks.pipeline.decision.calibration import apply_platt, platt_scaling
from tasks.pipeline.evaluation.metrics import calibration_metrics


@pytest.fixture
def told():
    """Probabilities that are right, and labels drawn by them; (20000, 2)."""
    rng = np.random.default_rng(0)
    right = expit(rng.normal(-1.0, 1.5, (20_000, 2)))
    return right, (rng.random(right.shape) < right).astype(float)


def test_what_is_right_stays(told):
    slope, intercept = platt_scaling(*told)

    assert slope == pytest.approx([1.0, 1.0], abs=0.05)
    assert intercept == pytest.approx([0.0, 0.0], abs=0.06)


def test_what_was_bent_is_bent_back(told):
    right, targets = told
    bent = expit(2.0 * logit(right) + 1.0)

    slope, intercept = platt_scaling(bent, targets)

    assert slope == pytest.approx([0.5, 0.5], abs=0.03)
    assert intercept == pytest.approx([-0.5, -0.5], abs=0.06)
    before, after = (
        calibration_metrics(p, targets)["calibration_error"]
        for p in (bent, apply_platt(bent, slope, intercept))
    )
    assert after < before / 5


def test_each_label_is_fitted_by_itself(told):
    right, targets = told
    bent = right.copy()
    bent[:, 1] = expit(logit(right[:, 1]) + 2.0)

    _, intercept = platt_scaling(bent, targets)

    assert intercept == pytest.approx([0.0, -2.0], abs=0.08)


def test_a_label_with_few_texts_hardly_moves():
    slope, intercept = platt_scaling(np.array([[0.2], [0.8]]), np.array([[1.0], [0.0]]))

    assert 0.7 < slope[0] < 1
    assert abs(intercept[0]) < 0.1


def test_unknown_targets_are_left_out(told):
    right, targets = told
    hidden = targets.copy()
    hidden[: len(hidden) // 2, 0] = -1
    wrong = right.copy()
    wrong[: len(hidden) // 2, 0] = 0.999

    slope, intercept = platt_scaling(wrong, hidden)

    assert slope[0] == pytest.approx(1.0, abs=0.05)
    assert intercept[0] == pytest.approx(0.0, abs=0.08)


def test_weights_count_texts(told):
    right, targets = told
    twice = platt_scaling(np.vstack([right, right[:500]]), np.vstack([targets, targets[:500]]))
    weights = np.ones(len(right))
    weights[:500] = 2

    weighted = platt_scaling(right, targets, weights)

    assert np.allclose(twice, weighted, atol=1e-4)
