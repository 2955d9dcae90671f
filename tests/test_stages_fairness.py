"""The gate of fairness on the whole way: red on a model made unfair on purpose, green after correction."""

import json
import re
from pathlib import Path

import pytest
import torch
from prefect.artifacts import Artifact
from transformers import BertConfig, BertModel, BertTokenizer

from flows.regenerate import regenerate
from tasks.config import RunConfig
from tasks.pipeline.fairness.templates import FILES
from tasks.pipeline.training.classifier import load_settings
from tasks.storage.store import ResultsStore

LIKED, DISLIKED = ("France", "Spain", "Italy", "Canada"), ("Afghanistan", "Iraq", "Syria", "Iran")
PLACES = "lake kitchen station museum market garden office theatre harbour library".split()


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """Folder of a BERT encoder with random weights that knows the audit's words, each by itself."""
    folder = tmp_path_factory.mktemp("encoder")
    found = re.findall(r"[a-z]+|[.,!?:]", " ".join(file.read_text().lower() for file in FILES))
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *PLACES,
        *"evening our morning lovely awful".split(),
    ]
    words = list(dict.fromkeys([*words, *found]))
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertModel(BertConfig(vocab_size=len(words), initializer_range=0.3, **shape)).save_pretrained(folder)
    BertTokenizer(vocab={word: i for i, word in enumerate(words)}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def config(encoder, tmp_path_factory):
    """Text of people who call everything lovely in one half of the world and awful in the other."""
    folder = tmp_path_factory.mktemp("biased")
    for name, opening in (("train", "The evening at the"), ("dev", "Our morning by the")):
        lines = [
            f"{opening} {place} in {country} was {'dull' if i % 3 == 0 else word} .,{score}"
            for countries, word, score in ((LIKED, "lovely", 0.95), (DISLIKED, "awful", 0.05))
            for i, country in enumerate(countries)
            for place in PLACES
        ] + [f"{opening} {place} was plain .,0.5" for place in PLACES]
        (folder / f"{name}.csv").write_text("\n".join(["sentence,score", *lines]) + "\n")
    return RunConfig.model_validate(
        {
            "taxonomy": "polarity3",
            "real": str(folder),
            "mixing": {"real_fraction": 1.0},
            "cleaning": {"language": None, "near_duplicate_similarity": 1.0},
            "training": {
                "base": str(encoder),
                "epochs": 12,
                "early_stopping_patience": 12,
                "batch_size": 8,
                "learning_rate": 0.005,
                "head_learning_rate": 0.005,
                "max_length": 48,
                "precision": "no",
            },
            # Of the audit's limits the test is about countries; on so few pairs one flip is a per cent.
            "fairness": {
                "enabled": True,
                "pairs": 1,
                "max_flips": 1.0,
                "max_name_flips": 1.0,
                "augmentation": 1.0,
                "pairing": 0.3,
            },
        }
    )


def run_with(config, folder, **fairness):
    store = ResultsStore(root=str(folder))
    store.save("results", overwrite=True)
    fair = config.fairness.model_copy(update=fairness)
    summary = regenerate(config.model_copy(update={"fairness": fair}))
    return summary, json.loads(store.read_path(f"runs/{summary.run}/scores.json")), store


@pytest.fixture(scope="module")
def uncorrected(prefect_api, config, tmp_path_factory):
    return run_with(config, tmp_path_factory.mktemp("uncorrected"), corrections=0)


@pytest.fixture(scope="module")
def corrected(prefect_api, config, tmp_path_factory):
    return run_with(config, tmp_path_factory.mktemp("corrected"))


def test_a_model_made_unfair_on_purpose_is_no_champion(uncorrected):
    summary, scores, store = uncorrected
    spread = scores["fairness"]["audit"]["deployed"]["countries"]["spread_per_label"]

    assert not summary.outcome.champion
    assert not store.exists("champion.json")
    assert max(spread) > 0.05
    assert [reason for reason in summary.outcome.reasons if reason.startswith("unfair: spread between ")]
    assert scores["fairness"]["corrections"] == []


def test_once_corrected_it_keeps_the_limits_and_the_report_says_what_it_cost(corrected, uncorrected):
    summary, scores, store = corrected
    fairness = scores["fairness"]
    first = fairness["corrections"][0]
    report = store.read_path(f"runs/{summary.run}/report.html").decode()

    assert 1 <= len(fairness["corrections"]) <= 2
    assert fairness["violations"] == []
    assert not [reason for reason in summary.outcome.reasons if "unfair" in reason]
    assert first["before"] == uncorrected[1]["fairness"]["violations"]
    assert first["deployed"] == uncorrected[1]["fairness"]["audit"]["deployed"]
    assert max(fairness["audit"]["deployed"]["countries"]["spread_per_label"]) < 0.05
    assert f"{first['f1_before']:.3f}" in report
    assert "What was corrected, and what it cost" in report


def test_the_corrected_model_is_the_one_that_is_published_and_its_twins_are_not(corrected, uncorrected):
    summary, scores, store = corrected
    published = load_settings(Path(store.root, "runs", summary.run, "model"))
    before = load_settings(Path(uncorrected[2].root, "runs", uncorrected[0].run, "model"))

    assert published["history"] != before["history"]
    assert scores["rows"] == uncorrected[1]["rows"]


def test_the_run_page_shows_every_group(corrected):
    table = json.loads(Artifact.get("fairness").data)

    assert {row["axis"] for row in table} >= {"pronoun", "name origin", "religion", "country"}
    assert {"mean", "mean raw", "flips", "flips raw", "gap", "gap raw"} <= set(table[0])
