"""What a finished run prints: whether it passed the fairness audit, and the figures beside their limits."""

import pytest
from test_reporting import run_scores

from tasks.cli.tables import fairness_line, show
from tasks.config import FairnessConfig
from tasks.data.fairness_scores import (
    AxisScore,
    Correction,
    CountryScore,
    Fairness,
    FairnessAudit,
    FairnessScores,
)
from tasks.data.plan_scores import Plan
from tasks.data.summaries import Outcome, RunSummary


def fairness(mean: float, violations: tuple[str, ...], n_corrections: int) -> Fairness:
    axes = tuple(
        AxisScore(axis=axis, n_pairs=9, mean=value, largest=0.5, flips=0.001, gap=0.01)
        for axis, value in (("name gender", mean), ("religion", 0.9))
    )
    countries = CountryScore(
        n_countries=2, n_sentences=3, spread_per_label=(0.02, 0.01), highest="France", lowest="Peru"
    )
    scores = FairnessScores(mean=mean, flips=0.001, axes=axes, groups=(), countries=countries)
    correction = Correction(
        n_rows=4,
        pairing=0.25,
        before=("x",),
        after=(),
        f1_before=0.5,
        f1_after=0.5,
        deployed=scores,
        raw=scores,
    )
    return Fairness(
        audit=FairnessAudit(n_pairs=18, n_texts=36, raw=scores, deployed=scores),
        corrections=(correction,) * n_corrections,
        violations=violations,
    )


@pytest.mark.parametrize(
    ("mean", "violations", "n_corrections", "start"),
    [
        (0.0134, ("unfair: too much",), 2, "fairness  FAILED after 2 corrections: changing a name moves a "),
        (0.0134, ("unfair: too much",), 0, "fairness  FAILED: changing a name moves a "),
        (0.0034, (), 1, "fairness  passed after 1 correction: changing a name moves a "),
        (0.0034, (), 0, "fairness  passed: changing a name moves a "),
    ],
)
def test_a_classifier_that_exceeds_a_fairness_limit_is_said_to_have_failed(
    mean, violations, n_corrections, start
):
    assert fairness_line(fairness(mean, violations, n_corrections), FairnessConfig()) == (
        f"{start}probability by {mean} on average (limit 0.005), largest group gap 0.010 (limit 0.03), "
        "country spread 0.020 (limit 0.05)"
    )


def test_a_finished_run_prints_its_scores_and_where_they_are(local_store, monkeypatch, capsys):
    monkeypatch.setattr("tasks.cli.tables.open_store", lambda: local_store)
    monkeypatch.setenv("COLUMNS", "90")
    scores = run_scores(plan=Plan(cells=(), rounds=1))
    local_store.write_path("runs/quiet-otter/scores.json", scores.model_dump_json().encode())

    show(
        RunSummary(
            run="quiet-otter",
            folder="results/runs/quiet-otter",
            report="results/runs/quiet-otter/report.html",
            n_rows=1_000,
            outcome=Outcome(champion=False, reasons=("the test set has 3 texts", "a person rejected it: no")),
        )
    )

    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "quiet-otter: 1,000 texts",
        "test               system                        macro-F1  micro-F1  kappa    MAE",
        "─" * 82,
        "synthetic (1,200)  classifier                       0.900     0.910  0.950  0.250",
        "synthetic (1,200)  TF-IDF + logistic regression     0.800     0.810  0.700  0.250",
        "synthetic (1,200)  majority                         0.100     0.110  0.000  0.250",
        "real (1,200)       classifier                       0.400     0.410      -      -",
        "real (1,200)       TF-IDF + logistic regression     0.500     0.510      -      -",
        "report    results/runs/quiet-otter/report.html",
        "folder    results/runs/quiet-otter",
        "outcome   candidate: the test set has 3 texts; a person rejected it: no",
    ]
