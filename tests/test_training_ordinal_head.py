"""The scale head: its levels are in order whatever its weights, and a toy scale is learnt."""

import pytest
import torch

from tasks.pipeline.training.classifier.ordinal_head import OrdinalHead, ordinal_loss


@pytest.mark.parametrize("seed", range(5))
def test_probabilities_fall_from_level_to_level_whatever_the_weights(seed):
    torch.manual_seed(seed)
    scale = OrdinalHead(4, 7)
    for parameter in scale.parameters():
        torch.nn.init.normal_(parameter, std=5.0)

    above = torch.sigmoid(scale(torch.randn(50, 4)))

    assert above.shape == (50, 6)
    assert (above[:, 1:] <= above[:, :-1]).all()


def test_loss_is_that_of_every_cut_and_leaves_out_texts_without_a_level():
    logits = torch.tensor([[2.0, -1.0], [50.0, 50.0]])
    # Level 2 of 3 is above the first cut and not above the second.
    expected = (torch.log1p(torch.exp(torch.tensor([-2.0, -1.0])))).mean()

    assert float(ordinal_loss(logits, torch.tensor([2, 0]))) == pytest.approx(float(expected))
    assert float(ordinal_loss(logits, torch.tensor([0, 0]))) == 0.0


def test_a_scale_is_learnt():
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, 90).unsqueeze(1)
    levels = torch.arange(90) // 30 + 1
    scale = OrdinalHead(1, 3)
    optimizer = torch.optim.Adam(scale.parameters(), lr=0.1)
    for _ in range(400):
        optimizer.zero_grad()
        ordinal_loss(scale(x), levels).backward()
        optimizer.step()

    found = 1 + (scale(x) > 0).sum(1)

    assert (found == levels).float().mean() > 0.95
