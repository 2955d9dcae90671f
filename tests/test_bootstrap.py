"""Bootstrap intervals: scores equal the libraries', differences are paired, draws are fair."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score

from tasks.evaluation.bootstrap import (
    draw_counts,
    estimate,
    label_f1,
    macro_f1,
    micro_f1,
    quadratic_kappa,
    row_mean,
)

RNG = np.random.default_rng(1)
TRUE = (RNG.random((300, 5)) < 0.3).astype(float)
GOOD = np.where(RNG.random(TRUE.shape) < 0.9, TRUE, 1 - TRUE)
BAD = np.where(RNG.random(TRUE.shape) < 0.7, TRUE, 1 - TRUE)
LEVELS = RNG.integers(1, 8, 300)
GUESSED = np.clip(LEVELS + RNG.integers(-2, 3, 300), 1, 7)
COUNTS = draw_counts(300, 0, 400)


def repeated(values, counts):
    return np.repeat(values, counts.astype(int), axis=0)


def test_every_draw_takes_as_many_rows_as_there_are():
    assert COUNTS.shape == (400, 300)
    assert (COUNTS.sum(axis=1) == 300).all()
    assert COUNTS.mean(axis=0) == pytest.approx(np.ones(300), abs=0.25)
    assert (draw_counts(300, 0, 400) == COUNTS).all()


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
        found = estimate([row_mean((rng.random(80) < 0.4).astype(float))], draw_counts(80, trial, 300))
        held += found.low <= 0.4 <= found.high

    assert 180 <= held <= 197
