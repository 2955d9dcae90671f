"""The close-up: curves, calibration, the most confident errors, and how the report shows them."""

import numpy as np
import pytest

from tasks.data.scores import ErrorAnalysis
from tasks.pipeline.evaluation.error_analysis import (
    calibration_bins,
    candidates,
    nearest,
    precision_at_recall,
    worst_errors,
)
from tasks.pipeline.reporting.error_plots import calibration_dots, curve_points


def test_precision_is_the_best_that_still_reaches_the_recall():
    # Ranked: hit, miss, hit, miss. Half the hits at precision 1, all at 2/3.
    found = precision_at_recall(np.array([0.9, 0.8, 0.7, 0.1]), np.array([1.0, 0.0, 1.0, 0.0]))

    assert len(found) == 21
    assert found[:11] == [1.0] * 11
    assert found[11:] == pytest.approx([2 / 3] * 10)
    assert precision_at_recall(np.array([0.5]), np.array([0.0])) == []


def test_bins_hold_mean_probability_share_of_positives_and_count():
    scores, true = np.array([[0.01, 0.03], [0.98, 0.02]]), np.array([[0.0, 0.0], [1.0, 1.0]])

    assert calibration_bins(scores, true) == [
        (pytest.approx(0.02), pytest.approx(1 / 3), 3),
        (pytest.approx(0.98), 1.0, 1),
    ]


def test_errors_are_the_wrong_decisions_furthest_off_one_per_text():
    scores = np.array([[0.9, 0.8], [0.6, 0.1], [0.7, 0.2], [0.1, 0.95]])
    decided = scores > 0.5
    true = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])

    assert worst_errors(scores, decided, true) == [(0, 0), (2, 1)]
    assert worst_errors(scores, decided, true, n=1) == [(0, 0)]


def test_the_nearest_are_the_most_alike():
    vectors = np.eye(3, dtype=np.float32)

    assert nearest(vectors[:1], vectors, 2) == [[0, 1]]
    assert nearest(vectors[2:], vectors, 1) == [[2]]


def test_candidates_carry_the_label_and_are_no_more_than_asked_for():
    targets = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [-1.0, 0.0]]

    assert candidates(targets, 0, 10, 0) == [0, 2]
    assert len(candidates([[1.0]] * 50, 0, 7, 0)) == 7
    assert candidates([[1.0]] * 50, 0, 7, 0) == candidates([[1.0]] * 50, 0, 7, 0)


def test_the_plots_place_what_they_show():
    error_analysis = ErrorAnalysis(
        test_set="real",
        curves={"joy": (1.0, 0.5, 0.0), "grief": ()},
        calibration=((0.5, 0.25, 100), (1.0, 1.0, 1)),
        errors=(),
    )

    assert calibration_dots(error_analysis) == [(130.0, 165.0, 11.0), (260.0, 0.0, 3.0)]
    assert curve_points(error_analysis) == [("joy", "0,0.0 50,30.0 100,60.0")]
