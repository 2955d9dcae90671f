"""Label cells of every kind become names."""

import numpy as np
import pandas as pd
import pytest

from tasks.data.reading.labels import read_flags, read_labels
from tasks.data.reading.numbers import Names
from tasks.data.reading.raters import agreed


def labels_of(cells, name="label", names=None, separator=None):
    return read_labels(pd.Series(cells, name=name, dtype=object), names and Names(names), separator).labels


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["joy", " fear ", ""], [("joy",), ("fear",), ()]),
        (["joy|fear", "calm"], [("joy", "fear"), ("calm",)]),
        (["joy; fear", "calm"], [("joy", "fear"), ("calm",)]),
        (["joy#fear", "calm"], [("joy", "fear"), ("calm",)]),
        (["joy, fear", "joy", "calm"], [("joy", "fear"), ("joy",), ("calm",)]),
        (["Food, drink", "Service", "Price"], [("Food, drink",), ("Service",), ("Price",)]),
        (["joy|fear", "calm; joy", "calm"], [("joy", "fear"), ("calm", "joy"), ("calm",)]),
        (["joy|fear", "here; there", "here"], [("joy", "fear"), ("here; there",), ("here",)]),
        (["C#", "F#"], [("C#",), ("F#",)]),
        (['["joy", "fear"]', "[]"], [("joy", "fear"), ()]),
        (["['joy', 'fear']", "['calm']"], [("joy", "fear"), ("calm",)]),
        (["['joy' 'fear']", "['calm']"], [("joy", "fear"), ("calm",)]),
        ([["joy", "fear"], []], [("joy", "fear"), ()]),
        ([np.array(["joy", "fear"]), None], [("joy", "fear"), ()]),
        ([["joy", "joy"]], [("joy",)]),
        (["calm, kind", ["joy"]], [("calm, kind",), ("joy",)]),
        ([{"choices": ["joy", "fear"]}, "calm"], [("joy", "fear"), ("calm",)]),
        (['{"choices": ["joy", "fear"]}', "calm"], [("joy", "fear"), ("calm",)]),
        ([[{"label": "joy"}, {"label": "fear"}]], [("joy", "fear")]),
        ([{"joy": 0.9, "fear": 0.1}, {"joy": 0.0, "fear": 0.0}], [("joy",), ()]),
        ([{"joy": True, "fear": False}], [("joy",)]),
        ([True, False], [("True",), ("False",)]),
        (["joy", float("nan"), pd.NA, None], [("joy",), (), (), ()]),
    ],
)
def test_cells_of_names(cells, expected):
    assert labels_of(cells) == expected


def test_a_separator_that_the_user_names_divides_and_an_empty_one_does_not():
    assert labels_of(["a/b", "c"], separator="/") == [("a", "b"), ("c",)]
    assert labels_of(["a|b", "c"], separator="") == [("a|b",), ("c",)]


@pytest.mark.parametrize("cells", [[0, 2], ["0", "2"], [0.0, 2.0], ["0.0", "2.0"]])
def test_ids_get_the_names_of_their_places(cells):
    assert labels_of(cells, names=["joy", "fear", "great calm"]) == [("joy",), ("great calm",)]


def test_several_ids_in_a_cell_are_divided():
    names = ["joy", "fear", "calm"]
    assert labels_of(["0,2", "1", ""], names=names) == [("joy", "calm"), ("fear",), ()]
    assert labels_of([[0, 2], [1]], names=names) == [("joy", "calm"), ("fear",)]


def test_ids_without_names_stay_numbers_and_the_reader_says_so():
    read = read_labels(pd.Series([0, 1, 1], name="label", dtype=object))
    assert read.labels == [("0",), ("1",), ("1",)]
    assert read.notes == [
        "column 'label' holds numbers without names; put a labels.txt with one name per line beside the "
        "file, or give the numbers as aliases in the taxonomy"
    ]


@pytest.mark.parametrize(
    ("cells", "name", "scores"),
    [
        ([0.1, 0.75, 1], "score", [0.1, 0.75, 1.0]),
        (["0.1", "0.75"], "label", [0.1, 0.75]),
        (["0,1", "0,75"], "score", [0.1, 0.75]),
        ([1, 3, 5], "stars", [0.0, 0.5, 1.0]),
        (["2", "4.5"], "rating", [0.25, 0.875]),
        (["1 star", "5 stars"], "x", [0.0, 1.0]),
        (["★☆☆☆☆", "★★★★★"], "rating", [0.0, 1.0]),
        (["3/5", "5 out of 5", "1/5"], "rating", [0.5, 1.0, 0.0]),
        ([1, 10], "rating", [0.0, 1.0]),
        ([5, 1, 2, 3, 4], "column 1", [1.0, 0.0, 0.25, 0.5, 0.75]),
    ],
)
def test_stars_and_scores_become_degrees(cells, name, scores):
    assert read_labels(pd.Series(cells, name=name, dtype=object)).scores == scores


def test_stars_have_names_that_a_taxonomy_can_list():
    assert labels_of([1, 5, 4.5], name="stars") == [("1 star",), ("5 stars",), ()]


def test_columns_of_0_and_1_are_a_label_each():
    frame = pd.DataFrame({"joy": ["1", "0", ""], "fear": ["1", "0", "1"]})
    assert read_flags(frame).labels == [("joy", "fear"), (), ("fear",)]


def test_columns_of_truth_and_of_probabilities_are_labels():
    frame = pd.DataFrame({"joy": [True, False], "fear": [0.5, 0.49]})
    read = read_flags(frame)
    assert read.labels == [("joy", "fear"), ()]
    assert read.notes == ["columns of 0..1 are taken as labels from 0.5 on"]


def test_hidden_labels_are_no_labels():
    frame = pd.DataFrame({"joy": ["NONE", "1"], "fear": ["NONE", "0"]})
    assert read_flags(frame).labels == [None, ("joy",)]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([("joy",)], ("joy",)),
        ([("joy",), ("joy", "fear"), ("calm",)], ("joy",)),
        ([("joy",), ("fear",)], None),
        ([(), ()], ()),
        ([("joy",), (), ()], ()),
    ],
)
def test_labels_count_that_two_people_gave(answers, expected):
    assert agreed(answers) == expected
