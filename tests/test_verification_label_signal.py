"""A label that its texts carry no better than chance is told apart from one that they carry."""

import numpy as np
import pytest

from tasks.pipeline.verification import label_signals
from tasks.pipeline.verification.label_signal import MIN_TEXTS
from tasks.taxonomy import load_taxonomy

EKMAN = load_taxonomy("ekman")


def texts_of(make_row, label, folds, likelihood=None, n_texts=MIN_TEXTS, spread=0.1):
    """Rows that were asked for a label, with votes around a mean."""
    drift = np.linspace(-spread, spread, n_texts)
    return [
        make_row(
            id=f"{label}{i}",
            labels=[label],
            votes={
                f"{label}|requested": 1.0,
                **({} if folds is None else {f"{label}|folds": folds + drift[i]}),
                **({} if likelihood is None else {f"{label}|likelihood": likelihood + drift[i]}),
            },
        )
        for i in range(n_texts)
    ]


def at_chance(rows):
    return {signal.label: signal.at_chance for signal in label_signals(rows, EKMAN)}


def test_a_label_counts_as_carried_where_both_sources_lie_above_chance(make_row):
    rows = [*texts_of(make_row, "joy", 0.7, 2.0), *texts_of(make_row, "fear", 0.5, 2.0)]

    assert at_chance(rows) == {"fear": ("folds",), "joy": ()}


def test_chance_is_the_share_of_the_texts_that_were_asked_for_the_label(make_row):
    rows = [*texts_of(make_row, "joy", 0.5), *texts_of(make_row, "fear", 0.5, n_texts=3 * MIN_TEXTS)]
    joy = {signal.label: signal for signal in label_signals(rows, EKMAN)}["joy"]

    assert at_chance(rows) == {"fear": ("folds",), "joy": ()}
    assert (joy.n_texts, joy.share, joy.folds, joy.likelihood) == (30, 0.25, pytest.approx(0.5), None)


def test_a_generator_that_does_not_hear_the_label_is_told(make_row):
    rows = [*texts_of(make_row, "joy", 0.8, 0.0), *texts_of(make_row, "fear", 0.8, 0.5)]
    joy = {signal.label: signal for signal in label_signals(rows, EKMAN)}["joy"]

    assert at_chance(rows) == {"fear": (), "joy": ("likelihood",)}
    assert str(joy) == (
        "the 30 texts of label joy carry it no better than chance: the generator finds them no likelier with "
        "the label in the prompt than without"
    )


def test_a_mean_that_chance_explains_is_no_signal(make_row):
    others = texts_of(make_row, "fear", 0.5)

    assert at_chance([*texts_of(make_row, "joy", 0.52, spread=0.4), *others])["joy"] == ("folds",)
    assert at_chance([*texts_of(make_row, "joy", 0.52, spread=0.02), *others])["joy"] == ()
    assert at_chance([*texts_of(make_row, "joy", 0.5, spread=0.0), *others])["joy"] == ("folds",)


def test_both_sources_are_named(make_row):
    rows = [*texts_of(make_row, "joy", 0.375, -0.1), *texts_of(make_row, "fear", 0.5)]

    assert str(label_signals(rows, EKMAN)[1]) == (
        "the 30 texts of label joy carry it no better than chance: a classifier that has not seen them gives "
        "it 0.38 on average, and a guess 0.50, and the generator finds them no likelier with the label in "
        "the prompt than without"
    )


def test_of_too_few_texts_and_of_texts_without_votes_nothing_is_said(make_row):
    few = texts_of(make_row, "joy", 0.1, n_texts=MIN_TEXTS - 1)

    assert at_chance([*few, *texts_of(make_row, "fear", None)]) == {}
    assert label_signals([], EKMAN) == []
