"""Bootstrap intervals: scores equal the libraries', differences are paired, draws are fair."""

import numpy as np
import pytest
from scipy.stats import pearsonr
from sklearn.metrics import (
    average_precision_score,
    cohen_kappa_score,
    f1_score,
    label_ranking_average_precision_score,
)

from tasks.pipeline.evaluation.bootstrap import (
    average_precision,
    calibration_error,
    estimate,
    label_f1,
    macro_f1,
    mean_average_precision,
    micro_f1,
    pearson,
    quadratic_kappa,
    ranking_precisions,
    resample_counts,
    row_mean,
)
from tasks.pipeline.evaluation.metrics import N_BINS, calibration_metrics

RNG = np.random.default_rng(1)
TRUE = (RNG.random((300, 5)) < 0.3).astype(float)
GOOD = np.where(RNG.random(TRUE.shape) < 0.9, TRUE, 1 - TRUE)
BAD = np.where(RNG.random(TRUE.shape) < 0.7, TRUE, 1 - TRUE)
LEVELS = RNG.integers(1, 8, 300)
GUESSED = np.clip(LEVELS + RNG.integers(-2, 3, 300), 1, 7)
COUNTS = resample_counts(300, 0, 400)
# Rounded, so that many rows have equal scores.
SAID = np.clip(0.6 * GOOD + 0.4 * RNG.random(TRUE.shape), 0, 1).round(2)


def repeated(values, counts):
    return np.repeat(values, counts.astype(int), axis=0)


def test_every_draw_takes_as_many_rows_as_there_are():
    assert COUNTS.shape == (400, 300)
    assert (COUNTS.sum(axis=1) == 300).all()
    assert COUNTS.mean(axis=0) == pytest.approx(np.ones(300), abs=0.25)
    assert (resample_counts(300, 0, 400) == COUNTS).all()


@pytest.mark.parametrize("draw", [0, 7])
def test_scores_of_a_draw_are_those_of_the_rows_repeated(draw):
    counts = COUNTS[draw]
    true, good = repeated(TRUE, counts), repeated(GOOD, counts)
    one = counts[None]

    assert label_f1(GOOD, TRUE)(one)[0] == pytest.approx(f1_score(true, good, average=None))
    assert macro_f1(GOOD, TRUE)(one)[0] == pytest.approx(f1_score(true, good, average="macro"))
    assert macro_f1(GOOD, TRUE, [1, 3])(one)[0] == pytest.approx(
        f1_score(true, good, average=None)[[1, 3]].mean()
    )
    assert micro_f1(GOOD, TRUE)(one)[0] == pytest.approx(f1_score(true, good, average="micro"))
    assert row_mean(TRUE[:, 0])(one)[0] == pytest.approx(true[:, 0].mean())
    assert quadratic_kappa(GUESSED, LEVELS, 7)(one)[0] == pytest.approx(
        cohen_kappa_score(repeated(GUESSED, counts), repeated(LEVELS, counts), weights="quadratic"), abs=1e-5
    )


@pytest.mark.parametrize("draw", [0, 7, 31])
def test_ranking_and_calibration_of_a_draw_are_those_of_the_rows_repeated(draw):
    counts = COUNTS[draw]
    true, said = repeated(TRUE, counts), repeated(SAID, counts)
    one = counts[None]
    each = [average_precision_score(y, s) for y, s in zip(true.T, said.T, strict=True)]

    assert average_precision(SAID[:, 2], TRUE[:, 2])(one)[0] == pytest.approx(each[2])
    assert mean_average_precision(SAID, TRUE)(one)[0] == pytest.approx(np.mean(each))
    assert row_mean(ranking_precisions(SAID, TRUE))(one)[0] == pytest.approx(
        label_ranking_average_precision_score(true, said)
    )
    assert calibration_error(SAID, TRUE, N_BINS)(one)[0] == pytest.approx(
        calibration_metrics(said, true)["calibration_error"], abs=1e-6
    )
    assert pearson(SAID[:, 0], TRUE[:, 0])(one)[0] == pytest.approx(pearsonr(said[:, 0], true[:, 0])[0])


def test_average_precision_of_several_draws_is_that_of_each():
    score = average_precision(SAID[:, 1], TRUE[:, 1])

    assert score(COUNTS[:5]) == pytest.approx([score(counts[None])[0] for counts in COUNTS[:5]])


def test_average_precision_where_the_lowest_or_only_the_lowest_score_is_a_hit():
    one = np.ones((1, 4))

    assert average_precision(np.array([0.9, 0.5, 0.3, 0.1]), np.array([0, 0, 0, 1.0]))(one) == [0.25]
    assert average_precision(np.array([0.9, 0.5, 0.5, 0.1]), np.array([0, 1.0, 0, 0]))(one) == pytest.approx(
        1 / 3
    )
    assert average_precision(np.full(4, 0.5), np.array([1.0, 0, 0, 0]))(one) == [0.25]


def test_a_number_that_never_changes_correlates_with_nothing():
    assert pearson(np.ones(4), np.arange(4.0))(np.ones((1, 4))) == [0.0]


def test_a_label_that_nobody_has_scores_nothing():
    none = np.zeros((4, 1))

    assert label_f1(none, none)(np.ones((1, 4)))[0] == [0.0]


def test_the_difference_of_an_arm_with_itself_is_nothing():
    assert estimate([macro_f1(GOOD, TRUE)], COUNTS, [macro_f1(GOOD, TRUE)]) == (0.0, 0.0, 0.0)


def test_a_clear_difference_has_an_interval_above_nothing():
    found = estimate([macro_f1(GOOD, TRUE)], COUNTS, [macro_f1(BAD, TRUE)])

    assert 0 < found.low < found.value < found.high


def test_a_paired_difference_is_told_more_narrowly_than_by_two_intervals():
    nearly = GOOD.copy()
    nearly[0] = 1 - nearly[0]
    paired = estimate([macro_f1(GOOD, TRUE)], COUNTS, [macro_f1(nearly, TRUE)])
    alone = estimate([macro_f1(GOOD, TRUE)], COUNTS)

    assert paired.high - paired.low < (alone.high - alone.low) / 2


def test_seeds_are_averaged():
    found = estimate([macro_f1(GOOD, TRUE), macro_f1(BAD, TRUE)], COUNTS)
    each = [f1_score(TRUE, decided, average="macro") for decided in (GOOD, BAD)]

    assert found.value == pytest.approx(np.mean(each))


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    """Of 200 test sets drawn from one population, about 95 % have an interval that holds its mean."""
    rng = np.random.default_rng(5)
    held = 0
    for trial in range(200):
        found = estimate([row_mean((rng.random(80) < 0.4).astype(float))], resample_counts(80, trial, 300))
        held += found.low <= 0.4 <= found.high

    assert 180 <= held <= 197
