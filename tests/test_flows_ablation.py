"""The protocol on a real Prefect server: tiny models, texts of our own as people's."""

import csv
import json
from pathlib import Path

import pytest
from factories import generator_settings

from flows.ablation import ablation
from tasks.config import AblationConfig, GeneratorConfig, RealConfig
from tasks.pipeline.evaluation.ablation_tables import caution
from tasks.storage.store import ResultsStore

OPENINGS = ("the soup was", "we found the hotel", "my phone is", "it was a flight", "the lesson is")
WORDS = {"great": 0.95, "lovely": 0.9, "dull": 0.5, "quiet": 0.45, "awful": 0.1, "gloomy": 0.05}
ENDS = ("today", "again", "outside", "early", "together", "alone", "somehow", "finally")


def write_people(folder, flipped=False):
    """SST files of our own: train and dev share no text."""
    folder.mkdir()
    made = [
        (f"{opening} {word} {end} .", 1 - score if flipped and end == ENDS[-1] else score)
        for end in ENDS
        for opening in OPENINGS
        for word, score in WORDS.items()
    ]
    for name, rows in (("train", made[: -len(OPENINGS) * 6]), ("dev", made[-len(OPENINGS) * 6 :])):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("sentence", "score"), *rows])
    return folder


@pytest.fixture(scope="module")
def config(tiny_generator, tiny_encoder, tmp_path_factory):
    return AblationConfig.model_validate(
        {
            "taxonomy": "polarity3",
            "real": str(write_people(tmp_path_factory.mktemp("people") / "sst")),
            "plan": {
                "texts_per_label": 12, "topics": ["restaurants", "phones", "films"],
                "topics_per_label": 3, "rounds": 2,
            },
            "generator": generator_settings(tiny_generator),
            "cleaning": {"language": None},
            "verifying": {"folds": 2},
            "training": {"base": str(tiny_encoder), "max_length": 32, "precision": "no"},
            "evaluation": {"rivals": ["generator"]}, "rivals": {"texts": 10},
            "rows_per_arm": 150, "row_passes": 300, "seeds": 2, "real_fractions": [0.2], "few_rows": [4],
        }
    )  # fmt: skip


def block_in(folder):
    store = ResultsStore(root=str(folder))
    store.save("results", overwrite=True)
    return store


def cached(store, kind):
    return {path.name for path in Path(store.root, "cache").glob(f"{kind}-*")}


@pytest.fixture(scope="module")
def proved(prefect_api, config, tmp_path_factory):
    store = block_in(tmp_path_factory.mktemp("ablation"))
    summary = ablation(config)
    return summary, store, json.loads(store.read_path("ablation/polarity3.json"))


def test_every_arm_is_measured_on_every_seed_with_an_interval(proved):
    _, _, page = proved

    assert list(page["arms"]) == [
        "real",
        "real, TF-IDF + logistic regression",
        "real, majority",
        "real, zero-shot by embedding",
        "real, embeddings + logistic regression",
        "real, TF-IDF ridge",
        "real, zero-shot by the generator",
        "synthetic",
        "synthetic, TF-IDF + logistic regression",
        "synthetic, zero-shot by embedding",
        "synthetic, embeddings + logistic regression",
        "synthetic, zero-shot by the generator",
        "real + synthetic",
        "4 real per label",
        "4 real per label + synthetic",
        "20 % real",
        "20 % real + synthetic",
        "synthetic, labels shuffled",
    ]
    for name, scores in page["arms"].items():
        assert {"f1_macro", "f1_micro", "jaccard", "brier", "kappa", "pearson", "mae"} <= set(scores)
        assert {"mean_average_precision", "ranking_average_precision", "calibration_error"} <= set(scores)
        assert scores["f1_macro"]["low"] <= scores["f1_macro"]["value"] <= scores["f1_macro"]["high"]
        n_seeds = 1 if name.endswith("by the generator") else 2
        assert len(page["each_seed"][name]) == n_seeds
        mean = sum(seed["f1_macro"] for seed in page["each_seed"][name]) / n_seeds
        assert scores["f1_macro"]["value"] == pytest.approx(mean)
    assert page["test_rows"] == 30
    assert page["seeds"] == 2


def test_differences_are_those_of_the_arms(proved):
    _, _, page = proved

    assert list(page["differences"]) == [
        "real + synthetic - real",
        "real - real, TF-IDF + logistic regression",
        "real - real, TF-IDF ridge",
        "synthetic - synthetic, TF-IDF + logistic regression",
        "synthetic - synthetic, labels shuffled",
        "4 real per label + synthetic - 4 real per label",
        "20 % real + synthetic - 20 % real",
        "real - real, zero-shot by embedding",
        "real - real, embeddings + logistic regression",
        "real - real, zero-shot by the generator",
        "synthetic - synthetic, zero-shot by embedding",
        "synthetic - synthetic, embeddings + logistic regression",
        "synthetic - synthetic, zero-shot by the generator",
    ]
    for name, scores in page["differences"].items():
        one, other = name.split(" - ")
        if page["texts_labelled"][other] < page["test_rows"]:
            continue  # compared on the texts that the other one labelled
        for score, difference in scores.items():
            values = [page["arms"][arm][score]["value"] for arm in (one, other)]
            assert difference["value"] == pytest.approx(values[0] - values[1], abs=1e-6)


def test_a_slow_rival_labels_a_sample_and_every_rival_says_what_it_takes(proved):
    _, _, page = proved
    slow = "real, zero-shot by the generator"

    assert (page["texts_labelled"][slow], page["texts_labelled"]["real"]) == (10, 30)
    assert page["costs"][slow]["texts_per_second"] > 0
    assert page["costs"]["synthetic, zero-shot by embedding"]["weights_mb"] > 90
    assert set(page["differences"][f"real - {slow}"]) >= {"f1_macro", "f1_micro", "kappa"}


def test_the_rarest_labels_are_measured_on_held_out_folds(proved):
    _, _, page = proved

    assert set(page["rarest_labels"]) <= {"positive", "neutral", "negative"}
    assert "f1_rarest" in page["arms"]["real"]
    assert "f1_rarest" not in page["arms"]["real, majority"]
    assert "f1_rarest_in_test" in page["arms"]["real, majority"]


def test_who_reads_the_figures_is_told_what_the_embedded_generator_has_read(config):
    embedded = config.model_copy(update={"generator": GeneratorConfig(model="embedded")})

    assert caution(config) == ""
    assert "learnt from the whole training files of GoEmotions and SST" in caution(embedded)


def test_the_table_shows_arms_and_signed_differences(proved):
    rows = {row["arm"]: row for row in map(json.loads, proved[0].table)}

    assert rows["real + synthetic - real"]["macro-F1"][0] in "+-"
    assert rows["real"]["macro-F1"][0] in "01"
    assert list(rows["real"]) == ["arm", "macro-F1", "kappa", "Pearson", "MAE"]
    assert proved[0].title == (
        "polarity3: what each mix of rows is worth on 30 human-written texts, mean of 2 seeds (95 % interval "
        "over texts); at most 150 real and 150 synthetic rows per arm; slow rivals label 10 of the texts"
    )


def test_the_page_of_the_proof_shows_every_arm_and_difference(proved):
    summary, store, page = proved
    html = store.read_path("ablation/polarity3.html").decode()

    assert summary.report.endswith("ablation/polarity3.html")
    assert all(f"<span>{name}</span>" in html for name in (*page["arms"], *page["differences"]))
    assert sum(page["labels"].values()) == page["test_rows"]


def test_arms_already_run_are_reused(proved, config):
    _, store, page = proved
    before = cached(store, "train")
    ablation(config.model_copy(update={"seeds": 3}))

    assert len(before) == 2 * 8
    assert len(cached(store, "train")) == 3 * 8
    assert before < cached(store, "train")
    again = json.loads(store.read_path("ablation/polarity3.json"))
    assert [seeds[:2] for seeds in again["each_seed"].values()] == list(page["each_seed"].values())


def test_test_labels_decide_nothing_about_any_model(proved, config, tmp_path):
    """With the labels of the test turned upside down, every model and threshold stays as it was."""
    _, store, page = proved
    before = cached(store, "train")
    flipped = write_people(tmp_path / "sst", flipped=True)
    ablation(config.model_copy(update={"real": RealConfig(path=str(flipped))}))
    after = json.loads(store.read_path("ablation/polarity3.json"))

    assert cached(store, "train") == before
    assert after["arms"]["real"]["brier"]["value"] != page["arms"]["real"]["brier"]["value"]


def test_a_proof_without_people_is_refused():
    with pytest.raises(ValueError, match="real is empty; expected a human-labelled data set"):
        AblationConfig()


def test_data_without_training_rows_is_measured_by_the_arms_on_synthetic_rows(proved, config, tmp_path):
    folder = tmp_path / "held-out"
    folder.mkdir()
    (folder / "val_text.txt").write_text(
        "".join(f"{text}\n" for text in ("a great day", "so awful", "quiet"))
    )
    (folder / "val_labels.txt").write_text("2\n0\n1\n")
    (folder / "mapping.txt").write_text("0\tnegative\n1\tneutral\n2\tpositive\n")
    ablation(config.model_copy(update={"real": RealConfig(path=str(folder)), "seeds": 1}))
    page = json.loads(proved[1].read_path("ablation/polarity3.json"))

    assert [name for name in page["arms"] if ", " not in name] == ["synthetic"]
    assert "synthetic, labels shuffled" in page["arms"]
    assert page["test_rows"] == 3
    assert page["caution"].startswith("The data has no training rows")
