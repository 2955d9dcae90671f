"""What people read of a run: counts, samples, and whether it becomes champion."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from time import sleep

import pytest
from prefect import flow

from tasks.config import RunConfig
from tasks.data.plan_scores import CellFill, Plan
from tasks.data.records import Cell
from tasks.data.references import BlobRef, DatasetRef, ModelRef
from tasks.data.scores import (
    CLASSIFIER,
    MAJORITY,
    REAL,
    SYNTHETIC,
    TFIDF,
    LabelScore,
    Metrics,
    ModelInfo,
    RunScores,
    SystemResult,
)
from tasks.data.summaries import Decision, Outcome
from tasks.orchestration.artifacts import slug
from tasks.orchestration.run import open_run
from tasks.pipeline.evaluation.promotion import verdict
from tasks.pipeline.reporting.provenance import versions
from tasks.pipeline.reporting.run_page_tables import score_rows
from tasks.pipeline.reporting.summaries import cell_counts, fills, row_counts, samples, scrub_counts
from tasks.stages.publishing import Candidate, promote
from tasks.storage.champions import CHAMPION, read_champions
from tasks.storage.locks import exclusive_lock
from tasks.storage.store import ResultsStore
from tasks.taxonomy import load_taxonomy

SCALE = load_taxonomy("polarity3")
NO_SCALE = SCALE.model_copy(update={"ordinal": False, "two_sided": False})
TWENTY = dict.fromkeys(SCALE.names, 20)


def system(name, test_set, f1_macro, n_rows=60, n_true=TWENTY, half_width=0.05, kappa=None):
    numbers = dict.fromkeys(
        "f1_micro f1_weighted f1_samples jaccard hamming ranking_average_precision calibration_error".split(),
        0.5,
    )
    labels = [
        LabelScore(
            label=name, precision=0.5, recall=0.5, f1=f1_macro, average_precision=None, n_true=n, n_decided=n
        )
        for name, n in n_true.items()
    ]
    metrics = Metrics(
        **numbers,
        f1_macro=f1_macro,
        mean_average_precision=None,
        brier=0.1,
        per_label=tuple(labels),
        n_rows=n_rows,
        kappa=kappa,
    )
    values = {"f1_macro": f1_macro, **({} if kappa is None else {"kappa": kappa})}
    ends = {score: (value - half_width, value + half_width) for score, value in values.items()}
    return SystemResult(name=name, test_set=test_set, metrics=metrics, intervals=ends)


def scores(*arms, taxonomy=NO_SCALE):
    return RunScores(
        run="r",
        created="2026-01-01T00:00:00+00:00",
        command="sentimill run",
        config={},
        taxonomy=taxonomy,
        generator=ModelInfo(name="g"),
        base=ModelInfo(name="b"),
        plan=Plan(cells=(), rounds=1),
        rejects={},
        scrubbed={},
        rows={},
        results=arms,
        thresholds={},
        samples=(),
        timings={},
        versions={},
    )


def measured(test_set, own, bag, majority=0.1, **about):
    return scores(
        system(CLASSIFIER, test_set, own, **about),
        system(TFIDF, test_set, bag),
        system(MAJORITY, test_set, majority),
    )


def reasons(found, champion=None, test="synthetic a"):
    outcome = verdict(found, champion, test)
    assert outcome.champion == (not outcome.reasons)
    return list(outcome.reasons)


def test_a_run_whose_interval_lies_above_both_baselines_is_champion():
    assert verdict(measured(SYNTHETIC, 0.6, 0.549), None, "synthetic a") == Outcome(champion=True)


@pytest.mark.parametrize(
    ("bag", "majority", "reached"),
    [
        (0.55, 0.1, "TF-IDF + logistic regression (0.550)"),
        (0.7, 0.1, "TF-IDF + logistic regression (0.700)"),
        (0.3, 0.58, "majority (0.580)"),
        (0.56, 0.57, "majority (0.570) and TF-IDF + logistic regression (0.560)"),
    ],
)
def test_a_run_whose_interval_reaches_down_to_a_baseline_is_not(bag, majority, reached):
    assert reasons(measured(SYNTHETIC, 0.6, bag, majority)) == [
        f"macro-F1 0.600 (95 % interval 0.550 to 0.650) does not lie above {reached}"
    ]


@pytest.mark.parametrize(
    ("bag", "said"),
    [
        (0.44, []),
        (
            0.46,
            [
                "quadratic kappa 0.500 (95 % interval 0.450 to 0.550) does not lie above TF-IDF + logistic "
                "regression (0.460)"
            ],
        ),
    ],
)
def test_on_a_scale_kappa_decides_whatever_macro_f1_says(bag, said):
    assert reasons(on_a_scale(bag)) == said


@pytest.mark.parametrize(
    ("champion", "said"),
    [
        ({"f1_macro": 0.9, "kappa": 0.5}, []),
        ({"f1_macro": 0.1, "kappa": 0.51}, ["quadratic kappa 0.500 is below the champion's 0.510"]),
        ({"f1_macro": 0.21}, ["macro-F1 0.200 is below the champion's 0.210"]),  # noted before kappa was
    ],
)
def test_on_a_scale_the_champion_whose_predictions_are_gone_is_beaten_in_kappa(champion, said):
    assert reasons(on_a_scale(0.1), {"test": "synthetic a", **champion}) == said


def on_a_scale(bag):
    return scores(
        system(CLASSIFIER, SYNTHETIC, 0.2, kappa=0.5),
        system(TFIDF, SYNTHETIC, 0.3, kappa=bag),
        system(MAJORITY, SYNTHETIC, 0.1, kappa=0.0),
        taxonomy=SCALE,
    )


def test_a_run_without_an_interval_or_a_baseline_is_not():
    found = measured(SYNTHETIC, 0.6, 0.1)
    bare = found.results[0].model_copy(update={"intervals": {}})
    said = ["macro-F1 has no interval, or no baseline stands beside it"]

    assert reasons(scores(bare, *found.results[1:])) == said
    assert reasons(scores(*found.results[:2])) == said


def test_a_baseline_without_a_value_is_none():
    """Kappa is not defined where all test texts are of one level."""
    assert reasons(on_a_scale(None)) == ["quadratic kappa has no interval, or no baseline stands beside it"]


def test_thirty_texts_decide_and_twenty_nine_do_not():
    assert reasons(measured(SYNTHETIC, 0.6, 0.1, n_rows=30)) == []
    assert reasons(measured(SYNTHETIC, 0.6, 0.1, n_rows=29)) == [
        "the synthetic test set has 29 texts and needs at least 30"
    ]


def test_five_texts_of_each_label_decide_and_four_of_one_do_not():
    assert reasons(measured(REAL, 0.6, 0.1, n_true={**TWENTY, "neutral": 5}), test="real a") == []
    assert reasons(
        measured(REAL, 0.6, 0.1, n_true={"negative": 40, "neutral": 4, "positive": 0}), test="real a"
    ) == [
        "the real test set has too few texts of some labels (neutral 4, positive 0) and needs at least 5 of "
        "each"
    ]


def test_the_champion_of_other_labels_keeps_its_place():
    champion = {"labels": ["positive", "negative"], "test": "synthetic a", "f1_macro": 0.9}

    assert reasons(measured(SYNTHETIC, 0.6, 0.1), champion) == [
        "the champion of taxonomy polarity3 has other labels (positive, negative), so this taxonomy needs "
        "another name"
    ]
    assert (
        reasons(measured(SYNTHETIC, 0.95, 0.1), {**champion, "labels": ["positive", "neutral", "negative"]})
        == []
    )


def test_the_champion_before_stands_beside_the_scores_and_it_says_on_which_texts():
    champion = {"run": "old", "test": "synthetic a", "f1_macro": 0.61234}
    same = score_rows(measured(SYNTHETIC, 0.6, 0.5), champion, "synthetic a")
    other = score_rows(measured(SYNTHETIC, 0.6, 0.5), champion, "synthetic b")

    assert [row["what"] for row in same] == [CLASSIFIER, TFIDF, MAJORITY, "champion old, on the same texts"]
    assert same[-1] == {"test": "synthetic", "what": same[-1]["what"], "macro-F1": 0.6123}
    assert other[-1]["what"] == "champion old, on other texts"
    assert len(score_rows(measured(SYNTHETIC, 0.6, 0.5), None, "synthetic a")) == 3


@pytest.mark.parametrize(
    ("f1", "said"),
    [
        (0.7, ()),
        (0.6, ()),
        (0.59, ("macro-F1 0.590 is below the champion's 0.600",)),
        (0.5999, ("macro-F1 0.5999 is below the champion's 0.6000",)),
        (0.5999999, ("macro-F1 0.5999999 is below the champion's 0.6000000",)),
    ],
)
def test_on_the_same_text_a_run_must_not_be_worse_than_the_champion(f1, said):
    champion = {"test": "real a", "f1_macro": 0.6}

    assert reasons(measured(REAL, f1, 0.1), champion, "real a") == list(said)


def test_human_text_decides_where_there_is_any():
    found = scores(*measured(SYNTHETIC, 0.9, 0.5).results, *measured(REAL, 0.3, 0.4).results)

    assert reasons(found, test="real a") == [
        "macro-F1 0.300 (95 % interval 0.250 to 0.350) does not lie above TF-IDF + logistic regression "
        "(0.400)"
    ]


def test_a_run_on_synthetic_text_does_not_replace_a_champion_of_human_text():
    champion = {"test": "real a", "f1_macro": 0.2}

    assert reasons(measured(SYNTHETIC, 0.9, 0.5), champion, "synthetic b") == [
        "the champion was measured on real text and this run was not"
    ]


def test_all_reasons_stand_in_one_sentence():
    champion = {"test": "real a", "f1_macro": 0.6}
    outcome = verdict(measured(REAL, 0.3, 0.4, n_rows=12), champion, "real a")

    assert str(outcome) == (
        "candidate: the real test set has 12 texts and needs at least 30; macro-F1 0.300 (95 % interval "
        "0.250 to 0.350) does not lie above TF-IDF + logistic regression (0.400); macro-F1 0.300 is below "
        "the champion's 0.600"
    )
    assert str(Outcome(champion=True)) == "champion"


def test_cells_count_synthetic_rows_alone(make_row):
    rows = [make_row(), make_row(), make_row(topic="work"), make_row(source="real")]

    assert cell_counts(rows) == {"joy | food": 2, "joy | work": 1}


def test_fills_name_every_cell_even_the_empty_ones():
    cells = [
        Cell(labels=("joy",), topic=topic, wanted=2, n_to_sample=3, round=1, seed=0)
        for topic in ("food", "work")
    ]

    assert fills(cells, {"joy | food": 2}, {"joy | food": 3, "joy | work": 9}) == (
        CellFill(labels=("joy",), topic="food", wanted=2, accepted=2, n_sampled=3),
        CellFill(labels=("joy",), topic="work", wanted=2, accepted=0, n_sampled=9),
    )


def test_replacements_are_added_up_the_most_frequent_first(make_row):
    rows = [make_row(scrubbed={"URL": 1}), make_row(scrubbed={"PERSON": 2, "URL": 1}), make_row()]
    rows.append(make_row(scrubbed={"PERSON": 3}))

    assert list(scrub_counts(rows).items()) == [("PERSON", 5), ("URL", 2)]


def test_rows_are_counted_per_split_and_by_who_wrote_them(make_row):
    rows = [make_row(), make_row(source="real"), make_row(split="test"), make_row(split="validation")]

    assert row_counts(rows, (system(CLASSIFIER, SYNTHETIC, 0.5),)) == {
        "train": 2,
        "validation": 1,
        "test": 1,
        "real train": 1,
    }
    assert row_counts(rows, (system(CLASSIFIER, REAL, 0.5, n_rows=77),))["real test"] == 77


def test_samples_show_every_label_and_no_text_twice(make_row):
    rows = [make_row(f"T{i}", labels=("joy", "fear")[: 1 + i % 2], id=f"r{i}") for i in range(20)]
    rows.append(make_row("human", source="real", id="h"))
    shown = samples(rows, ("joy", "fear"), 0)

    assert shown == samples(rows, ("joy", "fear"), 0)
    assert len({sample.text for sample in shown}) == len(shown)
    assert sum("fear" in sample.labels for sample in shown) >= 4
    assert "human" not in {sample.text for sample in shown}


def test_versions_name_what_decides_the_outcome():
    assert set(versions()) >= {"python", "torch", "transformers", "prefect"}


@pytest.mark.parametrize(
    ("name", "key"), [("Label Scores", "label-scores"), ("very_positive/é", "very-positive"), ("a--b", "a-b")]
)
def test_artifact_keys_are_lower_case_letters_digits_and_dashes(name, key):
    assert slug(name) == key


def test_a_run_waits_with_its_promotion_while_another_one_is_promoted(prefect_api, tmp_path):
    ResultsStore(root=str(tmp_path)).save("results", overwrite=True)
    candidate = Candidate(
        rows=DatasetRef(uri="rows", sha256="a", n_rows=1),
        model=ModelRef(uri="model", sha256="b"),
        scores=measured(SYNTHETIC, 0.6, 0.5),
        predictions=BlobRef(uri="predictions", sha256="c"),
        folder="runs/r",
    )

    @flow
    def end(config):
        run = open_run(config)
        with ThreadPoolExecutor(1) as pool:
            with exclusive_lock(run.store.scratch("locks"), CHAMPION):
                summary = pool.submit(copy_context().run, promote, run, candidate, Decision())
                sleep(1)
                champions = read_champions(run.store)
            return champions, summary.result(), read_champions(run.store)

    before, summary, after = end(RunConfig(taxonomy="polarity3"))
    folder = tmp_path / "runs" / summary.run

    assert before == {}
    assert summary.outcome == Outcome(champion=True)
    assert after["polarity3"]["run"] == summary.run
    assert after["polarity3"]["labels"] == ["positive", "neutral", "negative"]
    assert json.loads((folder / "scores.json").read_text())["outcome"] == {"champion": True, "reasons": []}
    assert "Outcome: champion." in (folder / "report.html").read_text()
    assert "Outcome: champion." in (folder / "model" / "README.md").read_text()


def test_a_taxonomy_with_the_name_of_a_champion_and_other_labels_is_told_so_at_once(
    prefect_api, tmp_path, capsys
):
    ResultsStore(root=str(tmp_path)).save("results", overwrite=True)
    (tmp_path / "champion.json").write_text(json.dumps({"polarity3": {"labels": ["good", "bad"]}}))

    flow(open_run)(RunConfig(taxonomy="polarity3"))

    assert capsys.readouterr().err.splitlines() == [
        "This run stays a candidate: the champion of taxonomy polarity3 has other labels (good, bad), so "
        "this taxonomy needs another name."
    ]
