"""The whole way, on a real Prefect server: a tiny generator and a tiny encoder, a minute at most."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from factories import generator_settings
from prefect.artifacts import Artifact
from prefect.utilities.callables import parameter_schema

from flows.regenerate import regenerate
from tasks.config import AblationConfig, AuditConfig, EvaluationConfig, MixingConfig, RealConfig, RunConfig
from tasks.data.scores import RunScores
from tasks.orchestration.preflight import check
from tasks.pipeline.decision.thresholds import confidence, decide
from tasks.pipeline.training.classifier import load_classifier, predict
from tasks.stages import sampling as text_stages
from tasks.stages.champion_audit import open_champion
from tasks.storage.champions import set_champion
from tasks.storage.parquet import rows_of_parquet
from tasks.storage.store import ResultsStore

TOPICS = ("restaurants", "phones", "films")
LEVELS = ("positive", "neutral", "negative")
PER_LABEL = 12


@pytest.fixture(scope="module")
def config(tiny_generator, tiny_encoder):
    return RunConfig.model_validate(
        {
            "taxonomy": "polarity3",
            "plan": {
                "texts_per_label": PER_LABEL,
                "topics": list(TOPICS),
                "topics_per_label": 3,
                "rounds": 2,
                "mixed_sentiment_fraction": 0.1,
            },
            "generator": generator_settings(tiny_generator),
            "cleaning": {"language": None},
            "verifying": {"folds": 2},
            "training": {"base": str(tiny_encoder), "epochs": 1, "max_length": 32, "precision": "no"},
            "evaluation": {"abstain": 0.3, "out_of_scope_texts": 10},
            "fairness": {"enabled": False},  # see test_stages_fairness.py
        }
    )


def block_in(folder):
    """The block `results` of the test server, moved to a folder."""
    store = ResultsStore(root=str(folder))
    store.save("results", overwrite=True)
    return store


@pytest.fixture(scope="module")
def finished(prefect_api, config, tmp_path_factory):
    """A run that nothing disturbed, with its results block."""
    store = block_in(tmp_path_factory.mktemp("results"))
    return regenerate(config), store


@pytest.fixture
def store(finished):
    """The results block of the undisturbed run, whatever other tests chose meanwhile."""
    return block_in(finished[1].root)


def cache(store):
    """When every cached result was written."""
    return {file.name: file.stat().st_mtime_ns for file in Path(store.root, "cache").iterdir()}


def sampled_rows(store, names):
    """Rows that the sampling results of these names point at."""
    rows = []
    for name in names:
        text = Path(store.root, "cache", name).read_text()
        (uri,) = set(re.findall(r"data/\w{20}\.parquet", text))
        rows += rows_of_parquet(store.read_path(uri))
    return rows


def folder_of(summary, store):
    return Path(store.root, "runs", summary.run)


def test_a_classifier_that_may_abstain_says_of_how_many_texts_it_is_sure(finished):
    summary, store = finished
    folder = folder_of(summary, store)
    model, tokenizer, settings = load_classifier(folder / "model")
    texts = [row["text"] for row in rows_of_parquet((folder / "dataset/test.parquet").read_bytes())]
    found = predict(model, tokenizer, texts, 32).astype(float)
    promised = confidence(found, decide(found, np.array(settings["thresholds"])))
    arms = json.loads((folder / "scores.json").read_text())["results"]
    sure = {arm["name"]: arm["selective"] for arm in arms if arm["test_set"] == "synthetic"}

    assert 0 < settings["unsure_below"] < 1
    assert sure["classifier"]["coverage"] == np.mean(promised >= settings["unsure_below"])
    assert [name for name, found in sure.items() if found] == ["classifier"]
    assert "the classifier does not abstain on" in (folder / "report.html").read_text()


def test_rivals_stand_beside_the_classifier_with_what_they_take(finished):
    summary, store = finished
    scores = json.loads((folder_of(summary, store) / "scores.json").read_text())
    by_name = {found["name"]: found for found in scores["results"]}

    assert list(by_name) == [
        "classifier",
        "TF-IDF + logistic regression",
        "majority",
        "zero-shot by embedding",
        "embeddings + logistic regression",
    ]
    assert by_name["zero-shot by embedding"]["cost"]["weights_mb"] > 90
    assert by_name["classifier"]["cost"]["texts_per_second"] > 0
    lead = by_name["zero-shot by embedding"]["classifier_ahead"]["f1_macro"]
    gap = (
        by_name["classifier"]["metrics"]["f1_macro"]
        - by_name["zero-shot by embedding"]["metrics"]["f1_macro"]
    )
    assert lead[0] == pytest.approx(gap, abs=1e-6)
    assert scores["review"]["profile"]["topic_fidelity"] is not None


def test_texts_on_other_matters_and_a_bound_on_errors_are_measured(finished):
    summary, store = finished
    scores = json.loads((folder_of(summary, store) / "scores.json").read_text())
    found, kept = scores["out_of_scope"], scores["results"][0]["selective"]

    assert found["n_texts"] <= 10
    assert found["no_label"] + found["unsure"] + len(found["examples"]) <= found["n_texts"]
    assert len(found["topics"]) == 10
    assert kept["n_wrong"] / kept["n_kept"] <= kept["error_bound"] <= 1


def test_a_run_leaves_what_the_design_promises(finished):
    summary, store = finished
    folder = folder_of(summary, store)
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}

    assert files >= {
        "config.json",
        "environment.json",
        "report.html",
        "scores.json",
        "dataset/README.md",
        "dataset/dataset.csv",
        "dataset/dataset.jsonl",
        "dataset/negative_data.txt",
        "dataset/neutral_data.txt",
        "dataset/positive_data.txt",
        "dataset/rejects.parquet",
        "dataset/test.parquet",
        "dataset/train.parquet",
        "dataset/validation.parquet",
        "model/README.md",
        "model/config.json",
        "model/model.safetensors",
        "model/modeling_sentimill.py",
        "model/sentimill.json",
        "model/tokenizer.json",
    }
    assert (summary.folder, summary.report) == (str(folder), f"{folder}/report.html")
    assert not list(Path(store.root).rglob("*.tmp"))
    assert not [file for file in Path(store.root, "scratch").rglob("*") if file.is_file()]


def test_the_rows_are_balanced_split_and_carry_their_history(finished):
    summary, store = finished
    rows = [row for part in ("train", "validation", "test") for row in dataset(summary, store, part)]
    counts = {label: sum(label in row["labels"] for row in rows) for label in LEVELS}
    mixed = [row for row in rows if row["segments"]]

    assert summary.n_rows == len(rows) == sum(counts.values()) - len(mixed)
    assert mixed
    assert all({"positive", "negative"} == set(row["labels"]) for row in mixed)
    assert all(0 < count <= PER_LABEL for count in counts.values())
    assert {row["topic"] for row in rows} <= set(TOPICS)
    assert all(
        row["prompt"] and row["group"] and {"label_probability", "quality"} <= set(row["votes"])
        for row in rows
    )
    prompts = [
        {row["prompt_id"] for row in rows if row["split"] == p} for p in ("train", "validation", "test")
    ]
    assert not prompts[0] & prompts[1]
    assert not prompts[0] & prompts[2]
    assert not prompts[1] & prompts[2]


def dataset(summary, store, part):
    return rows_of_parquet(store.read_path(f"runs/{summary.run}/dataset/{part}.parquet"))


def test_nothing_is_dropped_silently(finished):
    summary, store = finished
    rejects = rows_of_parquet(store.read_path(f"runs/{summary.run}/dataset/rejects.parquet"))
    scores = json.loads(store.read_path(f"runs/{summary.run}/scores.json"))
    names = [name for name in cache(store) if name.startswith("sample-cell")]
    drawn = sum(cell["n_sampled"] for cell in scores["plan"]["cells"])

    asked = [row for row in sampled_rows(store, names) if row["labels"]]  # others are out of scope
    assert len(asked) == drawn
    assert len(rejects) == sum(scores["rejects"].values())
    mixed = [
        row
        for part in ("train", "validation", "test")
        for row in dataset(summary, store, part)
        if row["segments"]
    ]
    assert summary.n_rows + len(mixed) + len(rejects) == drawn  # a mixed text was two


def test_the_scores_stand_beside_those_of_the_rivals_and_the_champion_is_named(finished):
    summary, store = finished
    scores = json.loads(store.read_path(f"runs/{summary.run}/scores.json"))
    champions = json.loads(store.read_path("champion.json")) if summary.outcome.champion else {}

    assert len({arm["name"] for arm in scores["results"]}) == 5
    assert {arm["test_set"] for arm in scores["results"]} == {"synthetic"}
    assert scores["config"]["seed"] == 0
    assert scores["outcome"] == summary.outcome.model_dump(mode="json")
    assert summary.outcome.champion == (not summary.outcome.reasons)
    assert list(champions) == (["polarity3"] if summary.outcome.champion else [])


def test_the_model_of_a_run_can_be_used(finished):
    summary, store = finished
    model, tokenizer, settings = load_classifier(folder_of(summary, store) / "model")

    assert settings["labels"] == list(LEVELS)
    assert len(settings["thresholds"]) == 3
    assert predict(model, tokenizer, ["a lovely soup"], settings["max_length"]).shape == (1, 3)


def test_the_run_page_shows_cells_rejects_and_scores(finished):
    keys = ("quota-table", "quota-heatmap", "rejects", "quota-shortfall", "scores", "outcome", "throughput")
    pages = {key: Artifact.get(key) for key in keys}
    cells = json.loads(pages["quota-table"].data)
    rejects = json.loads(pages["rejects"].data)

    assert [row["label"] for row in cells] == list(LEVELS)
    assert all(set(row) == {"label", "all", *TOPICS} for row in cells)
    assert all(row[topic].endswith("/4") and row["all"].endswith("/12") for row in cells for topic in TOPICS)
    assert all(row["texts"] > 0 and row["examples"] for row in rejects)
    throughput = json.loads(pages["throughput"].data)
    history = json.loads((folder_of(*finished) / "scores.json").read_text())["plan"]["history"]
    assert [row["accepted so far"] for row in throughput] == [round_["accepted"] for round_ in history]
    assert sum(row["tokens"] for row in throughput) == history[-1]["tokens"]
    assert all(row["tokens/s"] > 0 and row["accepted texts/s"] > 0 for row in throughput)
    assert pages["quota-shortfall"].data
    assert len(json.loads(pages["scores"].data)) == 5
    assert finished[0].run in pages["outcome"].data


def test_the_same_run_again_takes_every_expensive_stage_from_the_cache(finished, config, store):
    before = cache(store)
    again = regenerate(config)

    assert {name.rsplit("-", 1)[0] for name in before} == {
        "scrub-report",
        "sample-cell",
        "reference-texts",
        "clean",
        "scrub",
        "generator-likelihood",
        "verify",
        "balance-split",
        "review",
        "train",
        "calibrate",
        "evaluation-tests",
        "rival",
        "out-of-scope",
        "evaluate",
    }
    assert cache(store) == before  # nothing new, nothing written again
    assert again.run != finished[0].run
    for part in ("train", "validation", "test"):
        assert dataset(again, store, part) == dataset(finished[0], store, part)


def test_texts_that_no_label_fits_are_learnt_from_and_published_with_nothing(config, store, tmp_path):
    (tmp_path / "aspects.yaml").write_text(
        "name: aspects\nlabels:\n"
        "  - {name: food, meaning: What was served to eat or drink.}\n"
        "  - {name: room, meaning: The place where people sat or slept.}\n"
    )
    plan = config.plan.model_copy(update={"negatives": 10, "rounds": 1})
    changed = {"taxonomy": str(tmp_path / "aspects.yaml"), "plan": plan}
    before = cache(store)
    summary = regenerate(config.model_copy(update=changed))
    (made,) = [name for name in set(cache(store)) - set(before) if name.startswith("negatives-")]
    negatives = sampled_rows(store, [made])
    measured = json.loads((folder_of(summary, store) / "scores.json").read_text())["out_of_scope"]["topics"]

    assert negatives
    assert {(*row["labels"], *row["targets"], row["split"]) for row in negatives} == {(0.0, 0.0, "train")}
    settings = json.loads((folder_of(summary, store) / "model" / "sentimill.json").read_text())
    assert settings["unlabelled_share"] > 0.01
    assert 0 < settings["none_below"] <= 1
    assert len(measured) == 10
    assert not {row["topic"] for row in negatives} & set(measured)
    for part in ("train", "validation", "test"):
        assert all(row["labels"] for row in dataset(summary, store, part))


def test_changing_one_topic_samples_only_that_topics_cells(config, store):
    before = cache(store)
    plan = config.plan.model_copy(update={"topics": ["restaurants", "phones", "clothes"]})
    regenerate(config.model_copy(update={"plan": plan}))
    new = [name for name in set(cache(store)) - set(before) if name.startswith("sample-cell")]
    first_round = [row for row in sampled_rows(store, new) if row["round"] == 1]

    assert {name: before[name] for name in before} == {name: cache(store)[name] for name in before}
    assert {row["topic"] for row in first_round} == {"clothes"}
    assert {tuple(row["labels"]) for row in first_round} == {(level,) for level in LEVELS}


def test_a_run_killed_while_sampling_goes_on_and_ends_as_if_never_killed(
    finished, config, tmp_path, monkeypatch
):
    killed = block_in(tmp_path / "killed")
    real, calls = text_stages.engine_of, []

    def dying(generator):
        calls.append(1)
        if len(calls) == 6:
            raise RuntimeError("the machine went down")
        return real(generator)

    monkeypatch.setattr(text_stages, "engine_of", dying)
    with pytest.raises(RuntimeError, match="the machine went down"):
        regenerate(config)
    saved = cache(killed)
    assert len(saved) >= 5
    assert not Path(killed.root, "runs").exists()  # nothing half-published

    monkeypatch.setattr(text_stages, "engine_of", real)
    summary = regenerate(config)

    assert {name: cache(killed)[name] for name in saved} == saved  # what was there was not done again
    for part in ("train", "validation", "test"):
        assert dataset(summary, killed, part) == dataset(*finished, part)


def test_a_damaged_model_is_trained_again_to_the_same_bytes(config, store):
    before = cache(store)
    for weights in Path(store.root, "models").glob("*/model.safetensors"):
        weights.write_bytes(b"damaged")
    summary = regenerate(config)
    model, _, _ = load_classifier(folder_of(summary, store) / "model")
    written = {name for name, time in cache(store).items() if before.get(name) != time}

    assert model.head.out_features == 3
    # Measuring it again is not needed: the model is the one that was measured.
    assert sorted(name.rsplit("-", 1)[0] for name in written) == ["calibrate", "train"]


def test_another_threshold_rule_trains_nothing_again(config, store):
    before = cache(store)
    summary = regenerate(config.model_copy(update={"evaluation": EvaluationConfig(min_positives=1)}))
    new = {name.rsplit("-", 1)[0] for name in set(cache(store)) - set(before)}

    assert new == {"calibrate", "rival", "evaluate", "scrub-report"}
    assert {name: cache(store)[name] for name in before} == before
    assert load_classifier(folder_of(summary, store) / "model")[2]["unsure_below"] == 0.0


def test_texts_that_carry_no_label_are_told_before_anything_is_trained(config, tmp_path, capsys):
    store = block_in(tmp_path / "results")
    plan = {"texts_per_label": 80, "rounds": 1, "oversampling": 1.0, "topics_per_label": 3}
    asked = RunConfig.model_validate({**config.model_dump(), "plan": {**plan, "topics": list(TOPICS)}})

    with pytest.raises(ValueError, match=r"^the texts of all 3 labels carry them no better"):
        regenerate(asked)

    table = json.loads(Artifact.get("label-signal").data)
    told = [line for line in capsys.readouterr().err.splitlines() if "no better than chance" in line]
    assert [row["label"] for row in table] == ["positive", "neutral", "negative"]
    assert all("folds" in row["carried"] for row in table)
    assert [line.partition(" carry")[0] for line in told] == [
        f"The {row['texts']} texts of label {row['label']}" for row in table
    ]
    assert not [name for name in cache(store) if name.startswith("train")]


def test_real_text_alone_trains_and_is_measured_without_a_generator(prefect_api, config, tmp_path):
    words = {0.95: "wonderful", 0.5: "plain", 0.05: "terrible"}
    places = "lake kitchen station museum market garden office theatre harbour library".split()
    for name, opening in (("train", "The evening at the"), ("dev", "Our morning in the")):
        lines = [f"{opening} {p} was truly {w} .,{score}" for score, w in words.items() for p in places]
        (tmp_path / f"{name}.csv").write_text("\n".join(["sentence,score", *lines]) + "\n")
    store = block_in(tmp_path / "results")
    real = RealConfig(path=str(tmp_path))
    asked = config.model_copy(update={"mixing": MixingConfig(real_fraction=1.0), "real": real})
    generator = asked.generator.model_copy(update={"model": str(tmp_path / "none")})
    summary = regenerate(asked.model_copy(update={"generator": generator}))
    scores = json.loads(store.read_path(f"runs/{summary.run}/scores.json"))

    assert {arm["test_set"] for arm in scores["results"]} == {"real"}
    assert {arm["metrics"]["n_rows"] for arm in scores["results"]} == {30}
    assert {row["source"] for row in dataset(summary, store, "train")} == {"real"}
    assert not [name for name in cache(store) if name.startswith("sample-cell")]


def small_real_file(path):
    """Thirty human rows, ten per level, without splits."""
    words = {"positive": "wonderful", "neutral": "plain", "negative": "terrible"}
    places = "lake kitchen station museum market garden office theatre harbour library".split()
    lines = [f"The {p} on our trip was truly {w},{name}" for name, w in words.items() for p in places]
    path.write_text("\n".join(["text,label", *lines]) + "\n")
    return RealConfig(path=str(path))


def test_few_human_rows_that_are_trained_on_are_cross_validated(prefect_api, config, tmp_path):
    store = block_in(tmp_path / "results")
    real = small_real_file(tmp_path / "trips.csv")
    asked = config.model_copy(update={"mixing": MixingConfig(real_fraction=1.0), "real": real})
    summary = regenerate(asked)
    scores = RunScores.model_validate_json(store.read_path(f"runs/{summary.run}/scores.json"))
    report = store.read_path(summary.report.removeprefix(f"{store.root}/")).decode()

    assert (scores.n_folds, {system.metrics.n_rows for system in scores.results}) == (5, {30})
    assert "Human text, 30 rows, cross-validated, 5 folds" in report
    assert "On human text (30 rows, cross-validated, 5 folds) the classifier" in report
    assert {"f1_macro", "kappa"} <= set(scores.results[0].intervals)
    assert any(note.startswith("Human text is cross-validated, 5 folds: each text") for note in scores.notes)
    assert len([name for name in cache(store) if name.startswith("train-")]) == 6  # five folds, and all rows
    (divided,) = Path(store.root, "cache").glob("divide-into-folds-*")
    uris = re.findall(r"data/\w{20}\.parquet", divided.read_text())
    texts = [{row["text"] for row in rows_of_parquet(store.read_path(uri))} for uri in uris]
    parts = list(zip(texts[::2], texts[1::2], strict=True))
    assert [rest & held_out for rest, held_out in parts] == [set()] * 5
    assert sum(len(held_out) for _, held_out in parts) == 30
    assert len(set.union(*(held_out for _, held_out in parts))) == 30
    set_champion(store, "polarity3", {"run": summary.run, "model": {"uri": "models/m", "sha256": "s"}})
    with pytest.raises(ValueError, match=f"champion {summary.run} was cross-validated on its human text"):
        open_champion(AuditConfig(taxonomy="polarity3", real=real))


def test_few_human_rows_that_nothing_is_trained_on_are_all_measured_on(config, store, tmp_path):
    n_trained = len([name for name in cache(store) if name.startswith("train-")])
    summary = regenerate(config.model_copy(update={"real": small_real_file(tmp_path / "trips.csv")}))
    scores = RunScores.model_validate_json(store.read_path(f"runs/{summary.run}/scores.json"))

    assert (scores.n_folds, scores.metrics("classifier", "real").n_rows) == (0, 30)
    assert len([name for name in cache(store) if name.startswith("train-")]) - n_trained <= 1


def test_unlabelled_texts_join_training_and_are_what_the_service_compares_with(config, store, tmp_path):
    texts = [f"We {verb} the {noun} {when}." for verb in ("liked", "missed", "lost", "found")
             for noun in ("soup", "garden", "train", "hotel") for when in ("early", "late")]  # fmt: skip
    (tmp_path / "mails.csv").write_text("\n".join(["body", *texts, texts[0], ""]) + "\n")
    asked = config.model_dump() | {"unlabelled": str(tmp_path / "mails.csv")}
    asked["verifying"]["relabel_threshold"] = 0.2  # the texts of the tiny generator teach nothing
    asked["cleaning"]["near_duplicate_similarity"] = 1.0
    asked["generator"]["exemplars"] = 1
    summary = regenerate(RunConfig.model_validate(asked))
    added = [row for row in dataset(summary, store, "train") if row["source"] == "unlabelled"]
    scores = RunScores.model_validate_json(store.read_path(f"runs/{summary.run}/scores.json"))

    assert len({row["text"] for row in added}) == len(added) == scores.rows["unlabelled train"] > 0
    assert {row["text"] for row in added} <= set(texts)
    assert {len(row["labels"]) for row in added} == {1}
    for part in ("validation", "test"):
        assert "unlabelled" not in {row["source"] for row in dataset(summary, store, part)}
    written = [row for row in dataset(summary, store, "train") if row["source"] == "synthetic"]
    assert all(any(text in row["prompt"] for text in texts) for row in written)
    reference = dataset(summary, store, "reference")
    assert {row["text"] for row in reference} == set(texts)
    assert all(sum(row["targets"]) >= 1 for row in reference)


def test_an_ablation_of_few_human_rows_without_splits_is_refused(config, tmp_path):
    real = small_real_file(tmp_path / "trips.csv")
    with pytest.raises(
        ValueError, match="has 30 rows and no splits; an ablation expects a test split, or 400"
    ):
        check(AblationConfig.model_validate({**config.model_dump(), "real": real}))


def test_the_run_form_of_the_server_knows_every_knob():
    schema = parameter_schema(regenerate)
    config = schema.definitions["RunConfig"]["properties"]

    assert list(schema.properties) == ["config"]
    assert schema.properties["config"]["description"] == "Every option of the run."
    assert list(config) == list(RunConfig.model_fields)
    assert schema.definitions["Profile"]["enum"] == ["embedded", "hub", "server"]
    assert schema.definitions["PlanConfig"]["properties"]["texts_per_label"]["maximum"] == 1_000_000
