"""What people read of a run: counts, samples, and whether it becomes champion."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from time import sleep

import pytest
from prefect import flow

from tasks.config import RunConfig
from tasks.data.records import Cell
from tasks.data.references import BlobRef, DatasetRef, ModelRef
from tasks.data.scores import (
    CLASSIFIER,
    REAL,
    SYNTHETIC,
    TFIDF,
    CellFill,
    Metrics,
    ModelInfo,
    Plan,
    RunScores,
    SystemResult,
)
from tasks.data.summaries import Decision
from tasks.orchestration.artifacts import slug
from tasks.orchestration.run import open_run
from tasks.pipeline.evaluation.promotion import verdict
from tasks.pipeline.reporting.provenance import versions
from tasks.pipeline.reporting.run_page_tables import score_rows
from tasks.pipeline.reporting.summaries import cell_counts, fills, row_counts, samples, scrub_counts
from tasks.stages.publishing import Candidate, promote
from tasks.storage.champions import CHAMPION, read_champions
from tasks.storage.locks import exclusive_lock
from tasks.taxonomy import load_taxonomy


def system(name, test_set, f1_macro, n_rows=50):
    numbers = dict.fromkeys(
        "f1_micro f1_weighted f1_samples jaccard hamming ranking_average_precision calibration_error".split(),
        0.5,
    )
    metrics = Metrics(
        **numbers, f1_macro=f1_macro, mean_average_precision=None, brier=0.1, per_label=(), n_rows=n_rows
    )
    return SystemResult(name=name, test_set=test_set, metrics=metrics)


def scores(*arms):
    return RunScores(
        run="r",
        created="2026-01-01T00:00:00+00:00",
        command="sentimill run",
        config={},
        taxonomy=load_taxonomy("polarity3"),
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


def measured(test_set, own, bag):
    return scores(system(CLASSIFIER, test_set, own), system(TFIDF, test_set, bag))


def test_the_first_run_that_beats_the_bag_of_words_is_champion():
    assert verdict(measured(SYNTHETIC, 0.6, 0.5), None, "synthetic a") == (True, ())


def test_the_champion_before_stands_beside_the_scores_and_it_says_on_which_texts():
    champion = {"run": "old", "test": "synthetic a", "f1_macro": 0.61234}
    same = score_rows(measured(SYNTHETIC, 0.6, 0.5), champion, "synthetic a")
    other = score_rows(measured(SYNTHETIC, 0.6, 0.5), champion, "synthetic b")

    assert [row["what"] for row in same] == [CLASSIFIER, TFIDF, "champion old, on the same texts"]
    assert same[-1] == {"test": "synthetic", "what": same[-1]["what"], "macro-F1": 0.6123}
    assert other[-1]["what"] == "champion old, on other texts"
    assert len(score_rows(measured(SYNTHETIC, 0.6, 0.5), None, "synthetic a")) == 2


def test_a_run_below_the_bag_of_words_is_not():
    assert verdict(measured(SYNTHETIC, 0.4, 0.5), None, "synthetic a") == (
        False,
        ("macro-F1 0.400 is below TF-IDF + logistic regression (0.500)",),
    )
    assert verdict(measured(SYNTHETIC, 0.4999, 0.5), None, "synthetic a")[1] == (
        "macro-F1 0.4999 is below TF-IDF + logistic regression (0.5000)",
    )


@pytest.mark.parametrize(
    ("f1", "reasons"),
    [
        (0.7, ()),
        (0.6, ()),
        (0.59, ("macro-F1 0.590 is below the champion's 0.600",)),
        (0.5999, ("macro-F1 0.5999 is below the champion's 0.6000",)),
        (0.5999999, ("macro-F1 0.5999999 is below the champion's 0.6000000",)),
    ],
)
def test_on_the_same_text_a_run_must_not_be_worse_than_the_champion(f1, reasons):
    champion = {"test": "real a", "f1_macro": 0.6}

    assert verdict(measured(REAL, f1, 0.1), champion, "real a") == (not reasons, reasons)


def test_human_text_decides_where_there_is_any():
    arms = (
        *measured(SYNTHETIC, 0.9, 0.5).results,
        *measured(REAL, 0.3, 0.4).results,
    )

    assert verdict(scores(*arms), None, "real a") == (
        False,
        ("macro-F1 0.300 is below TF-IDF + logistic regression (0.400)",),
    )


def test_a_run_on_synthetic_text_does_not_replace_a_champion_of_human_text():
    champion = {"test": "real a", "f1_macro": 0.2}

    assert verdict(measured(SYNTHETIC, 0.9, 0.5), champion, "synthetic b") == (
        False,
        ("the champion was measured on real text and this run was not",),
    )


def test_all_reasons_are_given():
    champion = {"test": "real a", "f1_macro": 0.6}

    assert len(verdict(measured(REAL, 0.3, 0.4), champion, "real a")[1]) == 2


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


def test_a_run_waits_with_its_promotion_while_another_one_is_promoted(prefect_api, monkeypatch, tmp_path):
    monkeypatch.setenv("SENTIMILL_RESULTS", str(tmp_path))
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

    assert before == {}
    assert summary.champion
    assert after["polarity3"]["run"] == summary.run
