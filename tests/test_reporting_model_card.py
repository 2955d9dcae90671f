"""The lines of the model card load the model in transformers alone, and give the evaluated answers."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from test_reporting import POLARITY, run_scores
from transformers import AutoModel, AutoTokenizer

from tasks.pipeline.decision.thresholds import decide
from tasks.pipeline.reporting.cards import model_card
from tasks.pipeline.training.classifier import Classifier, load_classifier, predict_levels, save_classifier

SETTINGS = {
    "labels": list(POLARITY.names),
    "thresholds": [0.5, 0.25, 0.4],
    "unsure_below": 0.2,
    "none_below": 0.8,
    "calibration": {"slope": [2.0, 0.5, 1.5], "intercept": [-0.25, 0.5, 1.0]},
    "recalibration": [1.25, -0.5],
    "max_length": 6,
    "taxonomy": {"name": "polarity3"},
}
DUMP = """
import json, sys
json.dump(
    {
        "texts": texts,
        "classified": classify(texts),
        "probabilities": probabilities.tolist(),
        "decided": decided.tolist(),
        "levels": levels.tolist() if "levels" in globals() else None,
        "config": model.config.to_dict(),
        "ours": [name for name in sys.modules if name.split(".")[0] in ("tasks", "deployments")],
    },
    open("answers.json", "w"),
)
"""


@pytest.fixture(scope="module")
def make_model(tiny_encoder, tmp_path_factory):
    """Save a calibrated classifier with random weights, for an ordinal taxonomy or not; its folder."""

    def make(ordinal):
        torch.manual_seed(3)
        model = Classifier(AutoModel.from_pretrained(tiny_encoder), 3, ordinal)
        # Wide weights: probabilities and levels then differ between texts.
        torch.nn.init.normal_(model.head.weight, std=2.0)
        if model.scale:
            torch.nn.init.normal_(model.scale.direction.weight, std=2.0)
        model.calibrate(*(np.array(SETTINGS["calibration"][name]) for name in ("slope", "intercept")))
        folder = tmp_path_factory.mktemp("published") / "model"
        tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
        save_classifier(model, tokenizer, {**SETTINGS, "ordinal": ordinal}, folder)
        return folder

    return make


def run_card(card, folder):
    """What the card's Python lines compute, in a process that cannot import the project."""
    (code,) = re.findall(r"~~~python\n(.*?)~~~", card, re.DOTALL)
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_MODULES_CACHE": str(folder.parent / "modules"),
        "PYTHONPATH": "",
    }
    done = subprocess.run(
        [sys.executable, "-P", "-c", code + DUMP],
        cwd=folder.parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads((folder.parent / "answers.json").read_text())


@pytest.mark.parametrize("ordinal", [False, True])
def test_the_lines_of_the_card_give_the_evaluated_answers(ordinal, make_model):
    folder = make_model(ordinal)
    found = run_card(model_card(run_scores(config={"training": {"ordinal": ordinal}})), folder)
    model, tokenizer, settings = load_classifier(folder)
    expected = predict_levels(model, tokenizer, found["texts"], settings["max_length"])
    piped = [{each["label"]: each["score"] for each in scores} for scores in found["classified"]]

    assert np.ptp(expected.probabilities) > 0.1
    assert np.allclose(found["probabilities"], expected.probabilities, atol=1e-5, rtol=0)
    assert np.allclose(
        [[scores[name] for name in POLARITY.names] for scores in piped],
        expected.probabilities,
        atol=1e-5,
        rtol=0,
    )
    assert found["decided"] == decide(expected.probabilities, np.array(settings["thresholds"]), 0.8).tolist()
    assert found["levels"] == (expected.levels.tolist() if ordinal else None)
    assert found["ours"] == []


def test_the_configuration_says_what_users_of_transformers_need(make_model):
    folder = make_model(False)
    config = json.loads((folder / "config.json").read_text())

    assert config["id2label"] == {str(i): name for i, name in enumerate(POLARITY.names)}
    assert config["label2id"] == {name: i for i, name in enumerate(POLARITY.names)}
    assert config["problem_type"] == "multi_label_classification"
    assert {name: config[name] for name in ("thresholds", "calibration", "recalibration")} == {
        name: SETTINGS[name] for name in ("thresholds", "calibration", "recalibration")
    }
    assert sorted(file.name for file in folder.iterdir()) == [
        "config.json",
        "model.safetensors",
        "modeling_sentimill.py",
        "sentimill.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]


def test_a_folder_with_the_configuration_of_its_encoder_alone_still_loads(make_model):
    folder = make_model(False)
    model, tokenizer, _ = load_classifier(folder)
    before = predict_levels(model, tokenizer, ["the train was sad"], 6).probabilities
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config["encoder_config"]))
    model, tokenizer, _ = load_classifier(folder)

    assert np.array_equal(predict_levels(model, tokenizer, ["the train was sad"], 6).probabilities, before)
