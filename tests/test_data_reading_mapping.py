"""Labels of human data in the labels of a run; rows as the run has them; and what is told about the data."""

import io

import numpy as np
import pandas as pd
import pytest
from reading import read, write

from tasks.config.real import RealConfig
from tasks.data.reading import describe, label_mapping, propose_taxonomy, read_dataset
from tasks.data.reading.mapping import level_of_score
from tasks.data.reading.splits import folds_of
from tasks.data.reading.treebank import detokenise, is_treebank
from tasks.data.real_rows import label_set_counts, leakage_key, read_real_rows, real_rows, without_seen
from tasks.taxonomy import Taxonomy, load_taxonomy

TICKETS = """\
name: tickets
labels:
  - {name: refund, meaning: They want money back.}
  - {name: Late delivery, meaning: The parcel is late., aliases: [shipping, where is it]}
"""
CSV = "text,label\nMoney back please.,REFUND\nWhere is my parcel?,shipping\nIt is late.,late_delivery\n"


@pytest.fixture
def tickets(tmp_path):
    return load_taxonomy(write(tmp_path / "tickets.yaml", TICKETS))


def real(path, **options):
    return RealConfig(path=str(path), **options)


def labels_of(path, taxonomy, **options):
    """Labels of all rows by text, whatever split they are drawn into."""
    found = [row for part in ("train", "test") for row in real_rows(real(path, **options), part, taxonomy)]
    return {row["text"]: row["labels"] for row in found}


def test_names_map_in_any_case_and_aliases_map_too(tmp_path, tickets):
    assert labels_of(write(tmp_path / "a.csv", CSV), tickets) == {
        "Money back please.": ["refund"],
        "Where is my parcel?": ["Late delivery"],
        "It is late.": ["Late delivery"],
    }


def test_labels_that_do_not_map_stop_the_run_and_are_named_with_their_rows(tmp_path, tickets):
    path = write(tmp_path / "a.csv", CSV + "Buy now!,spam\nBuy it now!,spam\nHm.,other\n")
    with pytest.raises(ValueError, match="lacks") as caught:
        real_rows(real(path), "train", tickets)
    assert str(caught.value) == (
        f"real data {str(path)!r} has labels that taxonomy tickets lacks: spam (2 rows), other (1 rows); "
        "expected refund, Late delivery. Give them as `aliases` in the taxonomy, or leave them out: "
        "--real.unmapped drop."
    )


def test_labels_that_do_not_map_are_dropped_if_that_is_said_and_their_rows_are_counted(tmp_path, tickets):
    path = write(tmp_path / "a.csv", CSV + "Buy now!,spam\nRefund this spam.,refund|spam\n")
    found = [read_real_rows(real(path, unmapped="drop"), part, tickets) for part in ("train", "test")]
    assert {row["text"]: row["labels"] for part in found for row in part.kept}["Refund this spam."] == [
        "refund"
    ]
    assert [(r["row"]["text"], r["reason"]) for part in found for r in part.rejects] == [
        ("Buy now!", "no label of the taxonomy")
    ]


def test_data_without_any_label_of_the_run_is_refused(tmp_path, tickets):
    path = write(tmp_path / "a.csv", "text,label\nOne.,joy\nTwo.,fear\n")
    with pytest.raises(ValueError, match="has labels") as caught:
        real_rows(real(path, unmapped="drop"), "train", tickets)
    assert str(caught.value) == (
        f"real data {str(path)!r} has labels joy (1 rows), fear (1 rows); expected some that taxonomy "
        "tickets knows (refund, Late delivery). Take data that fits, or give its labels as `aliases` in the "
        "taxonomy."
    )


def test_rows_without_labels_are_negatives_of_a_set(tmp_path, tickets):
    path = write(tmp_path / "a.csv", CSV + "Good day.,\n")
    assert labels_of(path, tickets)["Good day."] == []
    assert label_set_counts(real(path), tickets).total() == len(
        [row for row in real_rows(real(path), "train", tickets) if row["labels"]]
    )


def test_rows_without_labels_are_left_out_of_a_scale(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\nGood.,positive\nBad.,negative\nHm.,\n")
    assert labels_of(path, load_taxonomy("polarity3")) == {"Good.": ["positive"], "Bad.": ["negative"]}


def test_stars_fall_into_the_levels_of_a_scale(tmp_path):
    lines = [f"Stay number {stars} was so.,{stars}" for stars in range(1, 6)]
    path = write(tmp_path / "a.csv", "review,stars\n" + "\n".join(lines) + "\n")
    assert list(labels_of(path, load_taxonomy("sentiment7")).values()) != []
    assert sorted(labels_of(path, load_taxonomy("sentiment7")).items()) == [
        ("Stay number 1 was so.", ["very negative"]),
        ("Stay number 2 was so.", ["negative"]),
        ("Stay number 3 was so.", ["neutral"]),
        ("Stay number 4 was so.", ["positive"]),
        ("Stay number 5 was so.", ["very positive"]),
    ]
    assert sorted(labels_of(path, load_taxonomy("polarity3")).items()) == [
        ("Stay number 1 was so.", ["negative"]),
        ("Stay number 2 was so.", ["negative"]),
        ("Stay number 3 was so.", ["neutral"]),
        ("Stay number 4 was so.", ["positive"]),
        ("Stay number 5 was so.", ["positive"]),
    ]


def test_ids_without_names_map_by_their_aliases(tmp_path):
    taxonomy = load_taxonomy(
        write(
            tmp_path / "own.yaml",
            TICKETS.replace("[shipping, where is it]", '["1"]').replace("back.}", 'back., aliases: ["0"]}'),
        )
    )
    path = write(tmp_path / "a.csv", "text,label\nOne.,0\nTwo.,1\n")
    assert labels_of(path, taxonomy) == {"One.": ["refund"], "Two.": ["Late delivery"]}


def test_scores_need_a_scale_that_says_its_high_end(tmp_path, tickets):
    path = write(tmp_path / "a.csv", "text,score\nOne.,0.1\nTwo.,0.9\n")
    with pytest.raises(ValueError, match="is no scale; expected one with ordinal: true"):
        real_rows(real(path), "train", tickets)
    own = "name: own\nordinal: true\nlabels:\n"
    own += "  - {name: calm, meaning: Calm.}\n  - {name: furious, meaning: Furious.}\n"
    with pytest.raises(ValueError, match="Add `aliases") as caught:
        real_rows(real(path), "train", load_taxonomy(write(tmp_path / "own.yaml", own)))
    assert str(caught.value) == (
        "real data holds scores or stars, but taxonomy own does not say which of 'calm' and 'furious' is the "
        "high end; expected aliases in stars. Add `aliases: [1 star]` to the lowest label and `aliases: [5 "
        "stars]` to the highest."
    )


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (0.0, "very negative"),
        (1 / 7 - 1e-9, "very negative"),
        (1 / 7, "negative"),
        (2 / 7, "somewhat negative"),
        (3 / 7, "neutral"),
        (0.5, "neutral"),
        (4 / 7, "somewhat positive"),
        (5 / 7, "positive"),
        (6 / 7 - 1e-9, "positive"),
        (6 / 7, "very positive"),
        (1.0, "very positive"),
    ],
)
def test_scores_fall_into_seven_equal_bins(score, level):
    assert level_of_score(score, load_taxonomy("sentiment7")) == level


def test_scores_rise_with_the_labels_of_a_scale_that_begins_low():
    rising = Taxonomy.model_validate(
        {
            "name": "anger",
            "ordinal": True,
            "labels": [
                {"name": "calm", "meaning": "Calm.", "aliases": ["1 star"]},
                {"name": "cross", "meaning": "Cross."},
                {"name": "furious", "meaning": "Furious.", "aliases": ["5 stars"]},
            ],
        }
    )
    assert [level_of_score(score, rising) for score in (0.0, 0.5, 1.0)] == ["calm", "cross", "furious"]


def test_goemotions_labels_map_to_ekman_by_the_published_grouping():
    mapping = label_mapping(
        ["admiration", "annoyance", "remorse", "curiosity", "nervousness", "neutral", "boredom"],
        load_taxonomy("ekman"),
    )
    assert mapping == {
        "admiration": ("joy",),
        "annoyance": ("anger",),
        "remorse": ("sadness",),
        "curiosity": ("surprise",),
        "nervousness": ("fear",),
        "neutral": ("neutral",),
        "boredom": (),
    }


def test_every_goemotions_label_has_one_place_on_ekman():
    native = load_taxonomy("goemotions").names
    assert all(len(places) == 1 for places in label_mapping(native, load_taxonomy("ekman")).values())


def test_a_label_of_the_same_name_stays_itself():
    taxonomy = load_taxonomy("goemotions")
    assert label_mapping(taxonomy.names, taxonomy) == {name: (name,) for name in taxonomy.names}


def test_seven_levels_map_to_three():
    assert label_mapping(load_taxonomy("sentiment7").names, load_taxonomy("polarity3")) == {
        "very positive": ("positive",),
        "positive": ("positive",),
        "somewhat positive": ("positive",),
        "neutral": ("neutral",),
        "somewhat negative": ("negative",),
        "negative": ("negative",),
        "very negative": ("negative",),
    }


def test_rows_carry_what_a_run_needs(tmp_path, tickets):
    write(tmp_path / "train.csv", "id,text,label\nk1,Money back please.,refund\n")
    write(tmp_path / "test.csv", "id,text,label\nk2,Where is it?,shipping\n")
    (row,) = real_rows(real(tmp_path), "test", tickets)
    assert (row["id"], row["source"], row["split"]) == ("k2", "real", "test")
    assert (row["targets"], row["level"]) == ([0.0, 1.0], None)


def test_rows_on_a_scale_have_a_level(tmp_path):
    write(tmp_path / "train.csv", "sentence,score\nFine .,0.6\nBad .,0.2\n")
    write(tmp_path / "dev.csv", "sentence,score\nIt is n't bad .,0.5\n")
    (row,) = real_rows(real(tmp_path), "test", load_taxonomy("sentiment7"))
    assert (row["labels"], row["level"], row["text"]) == (["neutral"], 4, "It isn't bad.")


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("It 's fun , is n't it ?", "It's fun, isn't it?"),
        ("We 'll go , they 've gone , I 'm here .", "We'll go, they've gone, I'm here."),
        ("`` Soup , '' she said .", '"Soup," she said.'),
        ("A soup -LRB- with bread -RRB- for $ 5 .", "A soup (with bread) for $5."),
        ("Half 1\\/2 done ; rest : 50 % !", "Half 1/2 done; rest: 50%!"),
        ("Already as people write it.", "Already as people write it."),
    ],
)
def test_treebank_tokens_become_running_text(tokens, text):
    assert detokenise(tokens) == text
    assert detokenise(text) == text


def test_only_treebank_tokens_are_put_back():
    assert is_treebank(["It 's fun .", "No", "Why ?"])
    assert not is_treebank(["It's fun.", "What a day !", "no"])


def test_texts_that_stand_in_training_are_left_out_of_the_test(make_row):
    train = [make_row("Happy cake day!!"), make_row("What a soup.")]
    test = [make_row("happy CAKE day"), make_row("What a soup, really."), make_row("what a soup")]
    kept, n_seen = without_seen(test, train)
    assert [row["text"] for row in kept] == ["What a soup, really."]
    assert n_seen == 2


def test_marks_and_case_do_not_count():
    assert leakage_key("  [NAME], you're RIGHT!! 😀 ") == "[name] youre right"


@pytest.mark.parametrize(("one", "other"), [("😀", "👍"), ("好吃", "难吃"), ("вкусно", "ужасно")])
def test_texts_of_other_scripts_and_of_emoji_are_told_apart(make_row, one, other):
    assert without_seen([make_row(one), make_row(other)], [make_row(other)]) == ([make_row(one)], 1)


SUBJECTS = "soup bread tea cake rice fish salad juice pasta curry".split()


def made(n):
    """Rows of two labels, three of each four the first, every text twice but for a mark."""
    texts = [
        f"On day {i} the {SUBJECTS[i % 10]} in house {i * 7} tasted {'bad' if i % 4 == 0 else 'nice'}"
        for i in range(n)
    ]
    return "text,label\n" + "".join(
        f"{text}{mark},{'bad' if i % 4 == 0 else 'good'}\n"
        for mark in (".", "!")
        for i, text in enumerate(texts)
    )


def test_a_file_without_splits_is_split_by_groups_of_near_duplicates_and_label(tmp_path):
    data = read_dataset(real(write(tmp_path / "a.csv", made(500))))
    test, train = (data.texts(part) for part in ("test", "train"))
    assert 180 <= len(test) <= 220
    assert not {text.text[:-1] for text in test} & {text.text[:-1] for text in train}
    assert 0.22 <= sum(text.labels == ("bad",) for text in test) / len(test) <= 0.28


def test_the_same_file_is_always_split_alike(tmp_path):
    path = write(tmp_path / "a.csv", made(250))
    first = [text.id for text in read_dataset(real(path)).texts("test")]
    path.touch()
    assert [text.id for text in read_dataset(real(path)).texts("test")] == first
    assert 0 < len(first) < 500


def test_of_fewer_than_400_rows_all_are_trained_on_and_measured_on(tmp_path):
    data = read_dataset(real(write(tmp_path / "a.csv", made(60))))
    assert data.texts("train") == data.texts("test")
    assert (data.is_cross_validated, len(data.texts("test"))) == (True, 120)
    assert data.notes[-1] == (
        "the data has no splits, and half of its 120 rows are fewer than 200: all are measured on, by "
        "cross-validation in 5 folds where rows are trained on"
    )


def test_rows_marked_for_training_are_not_drawn_to_measure_on(tmp_path):
    lines = made(60).splitlines()
    marked = [
        lines[0] + ",split",
        *(f"{line},train" for line in lines[1:31]),
        *(f"{line}," for line in lines[31:]),
    ]
    data = read_dataset(real(write(tmp_path / "a.csv", "\n".join(marked) + "\n")))
    assert (len(data.texts("train")), len(data.texts("test"))) == (120, 90)


def test_folds_keep_near_duplicates_together_and_labels_even():
    frame = pd.read_csv(io.StringIO(made(60)))
    texts, labels = frame["text"].tolist(), [(label,) for label in frame["label"]]
    fold = folds_of(texts, labels)
    assert np.bincount(fold).tolist() == [24, 24, 24, 24, 24]
    assert fold[:60].tolist() == fold[60:].tolist()
    bad = np.bincount(fold[frame["label"] == "bad"], minlength=5)
    assert bad.tolist() == [6, 6, 6, 6, 6]
    assert folds_of(["One.", "One!", "Two."], [("a",), ("a",), ("b",)]).tolist() in ([0, 0, 1], [1, 1, 0])
    assert folds_of(["One."], [("a",)]).tolist() == [0]


def test_a_label_with_one_row_does_not_stop_the_split(tmp_path):
    path = write(tmp_path / "a.csv", made(210) + "A lonely row of its own kind.,odd\n")
    assert len(read(path)) == 421


def test_what_was_understood_is_told(tmp_path, tickets):
    more = "Buy now!,spam\nmoney back PLEASE,shipping\nGood day to you all.,\n,refund\n"
    told = describe(real(write(tmp_path / "a.csv", CSV + more)), tickets)
    assert told.labels == {"shipping": 2, "REFUND": 1, "late_delivery": 1, "spam": 1}
    assert (told.n_without, told.n_several, told.n_duplicates) == (1, 0, 1)
    assert told.conflicts == [("Money back please.", [("REFUND",), ("shipping",)])]
    assert told.words == (3, 4, 5)
    lines = told.lines()
    assert lines[1:4] == [
        "left out    1 rows: empty text",
        "columns     text from 'text', labels from 'label'",
        "words       median 3, 95 % up to 4, longest 5",
    ]
    assert "            'Money back please.': REFUND / shipping" in lines
    assert "                    1  spam -> does not map" in lines
    assert "                    2  shipping -> Late delivery" in lines
    assert "taxonomy    tickets: 1 labels of 1 rows do not map, 1 rows would be left out" in lines
    assert sum(line.startswith("row         ") for line in lines) == 5


def test_the_language_is_told(tmp_path):
    rows = "".join(f"Das Essen am Tag {i} war leider sehr kalt und viel zu salzig.,x\n" for i in range(20))
    told = describe(real(write(tmp_path / "a.csv", "text,label\n" + rows)))
    assert told.languages == {"de": 1.0}


def test_a_taxonomy_is_proposed_that_loads_and_maps_all_labels(tmp_path):
    path = write(
        tmp_path / "my reviews.csv", 'text,label\nOne.,yes\nTwo.,"a+b|yes"\nThree.,1 of 2\nFour.,yes\n'
    )
    proposed = write(tmp_path / "own.yaml", propose_taxonomy(read_dataset(real(path))))
    taxonomy = load_taxonomy(proposed)
    assert taxonomy.name == "my-reviews"
    assert taxonomy.names == ("yes", "a and b", "1 of 2")
    assert taxonomy.labels[1].aliases == ("a+b",)
    assert labels_of(path, taxonomy)["Two."] == ["yes", "a and b"]
    assert proposed.read_text().startswith("# Proposed from my reviews.csv: 4 rows, 3 labels.\n")


def test_no_taxonomy_is_proposed_for_scores_or_a_single_label(tmp_path):
    scores = write(tmp_path / "a.csv", "text,score\nOne.,0.1\nTwo.,0.9\n")
    with pytest.raises(ValueError, match="which have no names"):
        propose_taxonomy(read_dataset(real(scores)))
    single = write(tmp_path / "b.csv", "text,label\nOne.,joy\nTwo.,joy\n")
    with pytest.raises(ValueError, match="has the labels joy; expected two at least"):
        propose_taxonomy(read_dataset(real(single)))
