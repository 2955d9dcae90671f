"""The classifier: unknown targets are left out, a toy problem is learnt, nothing is lost on disk."""

import copy
import json

import numpy as np
import pytest
import torch
from scipy.special import logit
from transformers import BertConfig, BertModel

from tasks.config import TrainingConfig
from tasks.pipeline.training.classifier import (
    Classifier,
    count_cut,
    load_classifier,
    load_settings,
    of_one_class,
    predict,
    predict_levels,
    save_classifier,
    train_classifier,
)
from tasks.pipeline.training.classifier.fine_tuning import mean_average_precision, parameter_groups
from tasks.pipeline.training.classifier.model import new_classifier

GLAD = ("happy", "glad", "lovely", "great")
SAD = ("sad", "awful", "gloomy", "bad")
FILLERS = ("the train was", "a quiet bridge and", "we opened the kitchen so", "it is today")
LABELS = ("joy", "sadness")


@pytest.fixture(scope="module")
def rows(make_row):
    """Texts of two labels, alone and both, told by one word each."""
    made = []
    for filler in FILLERS:
        for glad, sad in zip(GLAD, SAD, strict=True):
            for text, targets in (
                (f"{filler} {glad}.", (1.0, 0.0)),
                (f"{filler} {sad}.", (0.0, 1.0)),
                (f"{filler} {glad} but {sad}.", (1.0, 1.0)),
                (f"{filler} dull.", (0.0, 0.0)),
            ):
                made.append(make_row(text, targets=targets))
    return made


@pytest.fixture(scope="module")
def config(tiny_encoder):
    return TrainingConfig(
        base=str(tiny_encoder),
        epochs=12,
        early_stopping_patience=12,
        batch_size=8,
        learning_rate=0.02,
        head_learning_rate=0.02,
        precision="no",
        pretrained_share=0.0,  # of random weights
    )


@pytest.fixture(scope="module")
def trained(rows, config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    return train_classifier(rows, rows[::3], LABELS, config, 1, folder)


@pytest.fixture(scope="module")
def saved(trained, tmp_path_factory):
    model, tokenizer, state = trained
    folder = tmp_path_factory.mktemp("saved") / "model"
    settings = {"labels": list(LABELS), "thresholds": [0.4, 0.6], "history": state.history}
    save_classifier(model, tokenizer, settings, folder)
    return folder


def test_a_two_label_problem_is_learnt(trained, rows):
    model, tokenizer, state = trained
    found = predict(model, tokenizer, [row["text"] for row in rows], 32)
    truth = np.array([row["targets"] for row in rows])

    assert found.dtype == np.float32
    assert found.shape == (64, 2)
    assert ((found > 0.5) == (truth > 0.5)).mean() > 0.95
    assert state.history[-1]["loss"] < 0.5 * state.history[0]["loss"]


@pytest.mark.parametrize(
    "change",
    [
        {"loss": "balanced"},
        {"loss": "focal"},
        {"loss": "asymmetric", "epochs": 40, "early_stopping_patience": 40},
        {"ema_decay": 0.9},
        {"gradient_accumulation_steps": 2, "learning_rate": 0.04, "head_learning_rate": 0.04},
        {"layerwise_lr_decay": 0.5},
    ],
    ids=lambda change: "-".join(map(str, next(iter(change.items())))),
)
def test_every_way_of_training_learns_the_two_labels(change, rows, config, tmp_path):
    options = TrainingConfig(**config.model_dump() | {"epochs": 16, "early_stopping_patience": 16} | change)
    model, tokenizer, _ = train_classifier(rows, rows, LABELS, options, 1, tmp_path)
    found = predict(model, tokenizer, [row["text"] for row in rows], 32)
    truth = np.array([row["targets"] for row in rows])

    assert mean_average_precision(truth, found) > 0.95


def test_adapters_learn_and_leave_the_embeddings_as_they_were(rows, config, tiny_encoder, tmp_path):
    change = {"lora_rank": 8, "epochs": 40, "early_stopping_patience": 40, "learning_rate": 0.05}
    model, tokenizer, _ = train_classifier(rows, rows, LABELS, config.model_copy(update=change), 1, tmp_path)
    found = predict(model, tokenizer, [row["text"] for row in rows], 32)
    before, after = BertModel.from_pretrained(tiny_encoder).state_dict(), model.encoder.state_dict()

    assert torch.equal(
        after["embeddings.word_embeddings.weight"], before["embeddings.word_embeddings.weight"]
    )
    query = "encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(after[query], before[query])
    assert mean_average_precision(np.array([row["targets"] for row in rows]), found) > 0.8


def test_adapters_are_merged_so_that_the_saved_model_is_a_plain_one(rows, config, tmp_path):
    options = config.model_copy(update={"lora_rank": 4, "epochs": 2})
    model, tokenizer, _ = train_classifier(rows, rows, LABELS, options, 1, tmp_path / "work")
    save_classifier(model, tokenizer, {"labels": list(LABELS)}, tmp_path / "model")
    loaded, again, _ = load_classifier(tmp_path / "model")
    texts = [row["text"] for row in rows]

    assert np.allclose(predict(model, tokenizer, texts, 32), predict(loaded, again, texts, 32), atol=1e-6)
    assert not any("lora" in name for name in loaded.state_dict())


def test_a_scale_head_learns_levels_and_travels_with_the_model(make_row, config, tmp_path):
    words = ("great", "fine", "dull", "awful")
    rows = [
        make_row(f"{filler} {word}.", targets=[float(i == j) for j in range(4)], level=i + 1)
        for i, word in enumerate(words)
        for filler in FILLERS * 4
    ]
    options = config.model_copy(update={"ordinal": True, "epochs": 40, "early_stopping_patience": 40})
    model, tokenizer, _ = train_classifier(rows, rows, words, options, 1, tmp_path / "work")
    save_classifier(model, tokenizer, {"labels": list(words), "ordinal": True}, tmp_path / "model")
    loaded, again, _ = load_classifier(tmp_path / "model")
    texts = [row["text"] for row in rows]
    found = predict_levels(loaded, again, texts, 32)

    assert found.probabilities.shape == (64, 4)
    assert (found.levels == [row["level"] for row in rows]).mean() > 0.75
    assert (found.levels == predict_levels(model, tokenizer, texts, 32).levels).all()


def test_without_a_scale_head_there_are_no_levels(trained):
    model, tokenizer, _ = trained

    assert predict_levels(model, tokenizer, ["it is today great."], 32).levels is None


def test_calibration_is_part_of_the_weights(trained, rows):
    model, tokenizer, _ = copy.deepcopy(trained)
    texts = [row["text"] for row in rows[:8]]
    before = logit(predict(model, tokenizer, texts, 32).astype(float))
    model.calibrate(np.array([0.5, 2.0]), np.array([0.25, -1.0]))

    after = logit(predict(model, tokenizer, texts, 32).astype(float))
    assert np.allclose(after, before * [0.5, 2.0] + [0.25, -1.0], atol=1e-3)


def test_lower_layers_learn_slower(tmp_path_factory, vocabulary, tiny_encoder):
    deep = BertModel(BertConfig.from_pretrained(tiny_encoder, num_hidden_layers=2))
    config = TrainingConfig(learning_rate=1e-3, head_learning_rate=1e-2, layerwise_lr_decay=0.5)
    groups = parameter_groups(Classifier(deep, 2), config)
    rates = sorted({group["lr"] for group in groups})

    assert rates == [0.00025, 0.0005, 0.001, 0.01]


def test_the_same_seed_trains_the_same_model(trained, rows, config, tmp_path):
    model, _, _ = train_classifier(rows, rows[::3], LABELS, config, 1, tmp_path)

    assert all(
        torch.equal(value, trained[0].state_dict()[name]) for name, value in model.state_dict().items()
    )


def test_a_saved_model_gives_identical_probabilities(trained, saved, rows):
    model, tokenizer, _ = trained
    texts = [row["text"] for row in rows]
    loaded, again, settings = load_classifier(saved)

    assert np.array_equal(predict(loaded, again, texts, 32), predict(model, tokenizer, texts, 32))
    assert not loaded.training
    assert settings == load_settings(saved)
    assert settings["thresholds"] == [0.4, 0.6]


def test_a_saved_model_is_all_there(saved):
    names = {file.name for file in saved.iterdir()}

    assert {"config.json", "model.safetensors", "sentimill.json", "tokenizer.json"} <= names
    assert json.loads((saved / "sentimill.json").read_text())["labels"] == ["joy", "sadness"]


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        load_classifier(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} has no sentimill.json; expected a model folder that a run wrote. Give runs/<run>/model."
    )


def test_a_prediction_does_not_depend_on_the_texts_beside_it(trained):
    model, tokenizer, _ = trained
    texts = ["happy", "the train was sad and the bridge was bad and the kitchen was dull", "a lovely soup"]
    alone = np.concatenate([predict(model, tokenizer, [text], 32) for text in texts])

    np.testing.assert_allclose(predict(model, tokenizer, texts, 32), alone, atol=1e-6)
    np.testing.assert_allclose(predict(model, tokenizer, texts[::-1] * 40, 32)[:3], alone[::-1], atol=1e-6)


def test_predictions_come_back_in_the_order_of_the_texts(trained):
    model, tokenizer, _ = trained
    texts = ["the " * n + word for n in range(15, 0, -1) for word in ("happy", "sad")]
    found = predict(model, tokenizer, texts, 32)
    one_by_one = np.concatenate([predict(model, tokenizer, [text], 32) for text in texts])

    np.testing.assert_allclose(found, one_by_one, atol=1e-6)


def test_longer_texts_are_cut(trained):
    model, tokenizer, _ = trained
    text = "happy " * 30

    np.testing.assert_allclose(
        predict(model, tokenizer, [text], 12), predict(model, tokenizer, ["happy " * 10], 12), atol=1e-6
    )


def test_cut_texts_are_counted(trained):
    _, tokenizer, _ = trained

    assert count_cut(tokenizer, ["happy " * 10, "happy " * 11, "happy", "happy " * 30], 12) == 2
    assert count_cut(tokenizer, [], 12) == 0


def test_an_empty_text_has_probabilities(trained):
    model, tokenizer, _ = trained
    found = predict(model, tokenizer, ["", " "], 32)

    assert np.isfinite(found).all()


def test_a_label_without_positives_is_refused_before_a_model_is_loaded(make_row, config, tmp_path):
    rows = [make_row(targets=(1.0, 0.0, -1.0, 0.5)), make_row(targets=(0.0, 0.0, -1.0, 0.0))]
    with pytest.raises(ValueError, match="labels") as caught:
        train_classifier(
            rows, rows, ("a", "b", "c", "d"), config.model_copy(update={"base": "no such model"}), 0, tmp_path
        )
    assert str(caught.value) == (
        "3 labels have no training row: b, c, d; expected at least one each. Ask for more texts per label, "
        "loosen the filters, or take the label out of the taxonomy."
    )


def test_a_label_without_positives_is_never_given_where_that_is_allowed(make_row, config, tmp_path):
    rows = [make_row(text, targets=(float("good" in text), 0.0)) for text in ("good soup", "bad soup") * 16]
    allowed = config.model_copy(update={"allow_missing_labels": True})

    model, tokenizer, _ = train_classifier(rows, rows, ("good", "absent"), allowed, 0, tmp_path)
    said = predict(model, tokenizer, ["good soup", "bad soup", "other words"], 32)

    assert said[:, 1].max() < 0.01


def test_average_precision_counts_labels_with_positives_alone():
    truth = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])

    assert mean_average_precision(truth, probabilities) == pytest.approx((1 + 2 / 3) / 2)
    assert mean_average_precision(truth[:, 1:], probabilities[:, 1:]) == 0.0


def test_every_weight_is_in_one_group_and_only_matrices_decay(tiny_encoder, config):
    model, _ = new_classifier(str(tiny_encoder), None, 2)
    groups = parameter_groups(model, config.model_copy(update={"learning_rate": 0.001}))
    grouped = [id(p) for group in groups for p in group["params"]]

    assert sorted(grouped) == sorted(id(p) for p in model.parameters())
    assert [(g["lr"], g["weight_decay"]) for g in groups] == [
        (0.001, 0.01),
        (0.001, 0.0),
        (0.02, 0.01),
        (0.02, 0.0),
    ]
    assert all(p.ndim >= 2 for g in groups if g["weight_decay"] for p in g["params"])


def test_the_pooler_that_nobody_trained_is_left_out(tiny_encoder):
    model, _ = new_classifier(str(tiny_encoder), None, 2)

    assert not [name for name in model.state_dict() if "pooler" in name]


def test_training_without_validation_rows_is_refused(rows, config, tmp_path):
    with pytest.raises(ValueError, match="validation rows") as caught:
        train_classifier(rows, [], LABELS, config, 0, tmp_path)
    assert str(caught.value) == (
        "there are no validation rows; expected some to choose the best epoch and thresholds by. Ask for "
        "more texts per label, or raise split.validation."
    )


def test_validation_rows_of_one_class_are_said_to_choose_nothing(rows, config, make_row, tmp_path, caplog):
    same = [make_row("lovely soup", targets=(1.0, 0.0)) for _ in range(3)]
    train_classifier(rows, same, LABELS, config.model_copy(update={"epochs": 1}), 0, tmp_path)

    assert caplog.messages == [
        "The 3 validation rows are of one class: they choose neither the best epoch nor thresholds. Ask for "
        "more texts per label, or raise split.validation."
    ]
    assert not of_one_class(np.array([[1.0, 0.0], [0.0, 0.0]]))
    assert of_one_class(np.array([[1.0, -1.0], [-1.0, 0.0]]))


def test_texts_longer_than_the_encoder_takes_are_refused(rows, config, make_row, tmp_path):
    longer = [*rows, make_row("happy " * 90, targets=(1.0, 0.0)), make_row("sad " * 70, targets=(0.0, 1.0))]
    with pytest.raises(ValueError, match="longer") as caught:
        train_classifier(longer, rows, LABELS, config, 0, tmp_path)
    assert str(caught.value) == (
        f"2 training texts are longer than the 64 tokens that encoder {config.base} takes, the longest 92; "
        "expected none. Set training.max_length to 64, which cuts them, or choose an encoder for longer "
        "texts."
    )


def test_texts_longer_than_the_encoder_takes_are_cut_when_they_are_labelled(trained):
    model, tokenizer, _ = trained

    assert np.array_equal(
        predict(model, tokenizer, ["happy " * 90], 128), predict(model, tokenizer, ["happy " * 62], 128)
    )


def test_a_finished_classifier_is_no_encoder(saved, rows, config, tmp_path):
    with pytest.raises(ValueError, match="finished classifier") as caught:
        train_classifier(rows, rows, LABELS, config.model_copy(update={"base": str(saved)}), 0, tmp_path)
    assert str(caught.value) == (
        f"training.base is {saved}, a finished classifier of taxonomy ? with 2 labels; expected an encoder "
        "without a head. Give the encoder that it was trained from (?) or another."
    )


def test_a_tracker_that_is_not_there_is_named_before_training(rows, config, tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIMILL_TRACKERS", "no_such_tracker")
    with pytest.raises(ValueError, match="SENTIMILL_TRACKERS") as caught:
        train_classifier(rows, rows, LABELS, config, 0, tmp_path)
    assert str(caught.value) == (
        "SENTIMILL_TRACKERS names no_such_tracker, which is not installed; expected it. Run `pip install "
        "'sentimill[tracking]'`, or leave the variable out."
    )
