"""What a classifier knows before training, and how much of it stays."""

import numpy as np
import pytest
import torch

from tasks.config import TrainingConfig
from tasks.pipeline.training.classifier import train_classifier
from tasks.pipeline.training.classifier.initial_weights import (
    mean_vectors,
    mix_back,
    share_to_keep,
    start_head,
)
from tasks.pipeline.training.classifier.model import new_classifier

MEANINGS = ("the train was happy", "a quiet bridge", "we opened the kitchen")
TEXTS = (*MEANINGS, "it is today", "great soup", "sad and gloomy bad bridge")
TARGETS = np.array(
    [[1, 0, 0], [0, 1, 0], [0, 1, -1], [0, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=np.float32
)  # shares 2/6, 3/6, 1/5


@pytest.fixture
def fresh(tiny_encoder):
    torch.manual_seed(3)
    return new_classifier(str(tiny_encoder), None, 3)


def logits_of(model, tokenizer, texts):
    with torch.no_grad():
        return model.head(mean_vectors(model, tokenizer, texts)).numpy()


def test_a_label_starts_where_its_meaning_points(fresh):
    model, tokenizer = fresh
    start_head(model, tokenizer, TEXTS, TARGETS, MEANINGS)
    logits = logits_of(model, tokenizer, MEANINGS)
    above_prior = logits - np.log([2 / 4, 3 / 3, 1 / 4])

    assert above_prior.argmax(axis=1).tolist() == [0, 1, 2]


@pytest.mark.parametrize("meanings", [MEANINGS, ()])
def test_labels_start_about_as_frequent_as_they_are(fresh, meanings):
    model, tokenizer = fresh
    with torch.no_grad():
        model.head.weight.zero_()  # else its small random part is in the mean
    start_head(model, tokenizer, TEXTS, TARGETS, meanings)

    # At the middle of the texts the meanings add nothing.
    np.testing.assert_allclose(
        logits_of(model, tokenizer, TEXTS).mean(axis=0), np.log([2 / 4, 3 / 3, 1 / 4]), atol=1e-5
    )


def test_one_label_alone_starts_at_its_log_odds(tiny_encoder):
    model, tokenizer = new_classifier(str(tiny_encoder), None, 1)
    start_head(model, tokenizer, TEXTS, TARGETS[:, :1], MEANINGS[:1])

    assert torch.isfinite(model.head.weight).all()
    assert model.head.bias.item() == pytest.approx(np.log(0.5))


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_weights_are_averaged_with_those_before(fresh, share):
    model, _ = fresh
    before = {name: torch.zeros_like(value) for name, value in model.state_dict().items()}
    after = {name: value.clone() for name, value in model.state_dict().items()}
    mix_back(model, before, share)

    for name, value in model.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, (1 - share) * after[name])


@pytest.mark.parametrize(
    ("sources", "asked", "kept"),
    [
        (("synthetic", "synthetic"), None, 0.25),
        (("synthetic", "counterfactual"), None, 0.25),
        (("synthetic", "real"), None, 0.0),
        (("synthetic", "unlabelled"), None, 0.0),
        (("real", "synthetic"), 0.5, 0.5),
        (("synthetic",), 0.0, 0.0),
    ],
)
def test_only_classifiers_of_synthetic_rows_keep_a_share_unasked(make_row, sources, asked, kept):
    rows = [make_row("soup") | {"source": source} for source in sources]

    assert share_to_keep(TrainingConfig(pretrained_share=asked), rows) == kept


@pytest.mark.parametrize(("source", "epochs"), [("synthetic", 3), ("real", 6)])
def test_synthetic_rows_are_passed_over_less_often(tiny_encoder, make_row, tmp_path, source, epochs):
    rows = [
        make_row(text, targets=np.maximum(row, 0).tolist()) | {"source": source}
        for text, row in zip(TEXTS, TARGETS, strict=True)
    ]
    config = TrainingConfig(base=str(tiny_encoder), early_stopping_patience=9, precision="no")
    _, _, state = train_classifier(rows, rows, ("a", "b", "c"), config, 1, tmp_path)

    assert [entry["epoch"] for entry in state.history] == list(range(1, epochs + 1))


def test_training_keeps_the_share_that_is_asked_for(tiny_encoder, make_row, tmp_path):
    rows = [
        make_row(text, targets=np.maximum(row, 0).tolist()) for text, row in zip(TEXTS, TARGETS, strict=True)
    ]
    weights = {}
    for share in (0.0, 0.5, 1.0):
        config = TrainingConfig(
            base=str(tiny_encoder), epochs=2, learning_rate=0.02, precision="no", pretrained_share=share
        )
        model, _, _ = train_classifier(
            rows, rows, ("a", "b", "c"), config, 1, tmp_path / str(share), meanings=MEANINGS
        )
        weights[share] = model.head.weight.detach()

    torch.testing.assert_close(weights[0.5], (weights[0.0] + weights[1.0]) / 2)
    assert not torch.allclose(weights[0.0], weights[1.0])
