"""Losses: known values, what each leaves out, and how they treat rare labels and easy texts."""

import numpy as np
import pytest
import torch

from tasks.config import Loss
from tasks.pipeline.training.classifier.losses import balanced_weights, loss_function, masked_mean

TARGETS = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 0.0], [1.0, 0.0]], dtype=np.float32)


def losses(kind, logit, target):
    found = loss_function(kind, TARGETS)(torch.tensor([[logit]]), torch.tensor([[target]]))
    return float(found)


def masked_bce(logits, targets):
    return masked_mean(loss_function(Loss.bce, TARGETS)(logits, targets.clamp(min=0)), targets)


def test_bce_of_an_even_guess_is_log_two():
    assert losses(Loss.bce, 0.0, 1.0) == pytest.approx(0.6931472)


def test_focal_loss_has_the_published_value():
    # Lin et al., equation 4: -(1 - p)^2 log p, for p = 0.9 and for p = 0.1
    p = float(np.log(0.9 / 0.1))
    assert losses(Loss.focal, p, 1.0) == pytest.approx(-(0.1**2) * np.log(0.9), rel=1e-4)
    assert losses(Loss.focal, p, 0.0) == pytest.approx(-(0.9**2) * np.log(0.1), rel=1e-4)


def test_asymmetric_loss_has_the_published_value():
    # Ridnik et al., equation 9: negatives -(p_m)^4 log(1 - p_m), p_m = max(p - 0.05, 0); positives -log p
    p = float(np.log(0.55 / 0.45))
    assert losses(Loss.asymmetric, p, 0.0) == pytest.approx(-(0.5**4) * np.log(0.5), rel=1e-4)
    assert losses(Loss.asymmetric, p, 1.0) == pytest.approx(-np.log(0.55), rel=1e-4)
    assert losses(Loss.asymmetric, -4.0, 0.0) == 0.0


def test_balanced_weights_favour_the_rare_label():
    weights = balanced_weights(TARGETS)

    # effective numbers (1 - b^4) / (1 - b) and 1, b = 0.999, scaled to mean 1
    assert weights == pytest.approx([0.40048, 1.59952], abs=1e-4)


@pytest.mark.parametrize("kind", Loss)
def test_every_loss_is_finite_and_has_a_gradient_at_the_extremes(kind):
    logits = torch.tensor([[80.0, -80.0], [-80.0, 80.0], [0.0, 0.0]], requires_grad=True)
    targets = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.3, 0.7]])

    loss = masked_mean(loss_function(kind, TARGETS)(logits, targets), targets)
    loss.backward()

    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_unknown_targets_do_not_count():
    each = torch.tensor([[1.0, 100.0], [3.0, 100.0]])
    targets = torch.tensor([[0.0, -1.0], [1.0, -1.0]])

    assert float(masked_mean(each, targets)) == 2.0
    assert float(masked_mean(each, torch.full((2, 2), -1.0))) == 0.0


def test_row_weights_weigh_rows():
    each = torch.tensor([[1.0], [3.0]])
    targets = torch.tensor([[0.0], [1.0]])

    assert float(masked_mean(each, targets, torch.tensor([3.0, 1.0]))) == 1.5


def test_the_loss_leaves_unknown_targets_out_exactly():
    logits = torch.tensor([[0.3, -2.0, 5.0], [1.5, 0.7, -0.2]], requires_grad=True)
    targets = torch.tensor([[1.0, -1.0, 0.0], [-1.0, -1.0, 0.25]])
    loss = masked_bce(logits, targets)
    known = [(0.3, 1.0), (5.0, 0.0), (-0.2, 0.25)]
    expected = np.mean([np.log1p(np.exp(x)) - y * x for x, y in known])
    loss.backward()

    assert loss.item() == pytest.approx(expected, rel=1e-6)
    assert logits.grad[0, 1].item() == 0.0
    assert logits.grad[1, 0].item() == 0.0
    assert logits.grad[1, 1].item() == 0.0
    assert logits.grad[0, 0].item() == pytest.approx((1 / (1 + np.exp(-0.3)) - 1) / 3, rel=1e-5)


def test_the_loss_of_nothing_known_is_zero():
    assert masked_bce(torch.ones(2, 2), -torch.ones(2, 2)).item() == 0.0


def test_the_unknown_target_of_a_row_changes_nothing_whatever_its_logit():
    targets = torch.tensor([[1.0, -1.0]])

    assert masked_bce(torch.tensor([[0.5, 9.0]]), targets) == masked_bce(torch.tensor([[0.5, -9.0]]), targets)
