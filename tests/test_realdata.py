"""Text by people: read to the row, mapped to the labels of a run, kept apart from training."""

import pytest

from tasks.data.real_datasets import LabelledText, detokenise, level_of_score, read_real
from tasks.data.real_rows import label_mapping, leakage_key, real_rows, without_seen
from tasks.taxonomy import load_taxonomy

NAMES = "admiration\nanger\nannoyance\nremorse\nneutral\n"


@pytest.fixture
def goemotions(tmp_path):
    (tmp_path / "labels.txt").write_text(NAMES)
    (tmp_path / "train.tsv").write_bytes(b"You did that well.\t0\tk1\nStop it, please!\t1,2\tk2\n")
    (tmp_path / "dev.tsv").write_bytes("Très bien, un thé.\t4\tk3\n".encode())
    return tmp_path


@pytest.fixture
def sst(tmp_path):
    (tmp_path / "train.csv").write_text('sentence,score\n"A dull , long evening .",0.1\nFine .,0.6\n')
    (tmp_path / "dev.csv").write_text("sentence,score\nIt is n't bad .,0.5\n")
    return tmp_path


def test_goemotions_rows_come_with_the_names_of_their_labels(goemotions):
    assert read_real(str(goemotions), "train") == [
        LabelledText("You did that well.", ("admiration",), "k1"),
        LabelledText("Stop it, please!", ("anger", "annoyance"), "k2"),
    ]
    assert read_real(str(goemotions), "test") == [LabelledText("Très bien, un thé.", ("neutral",), "k3")]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"no tabs at all", "'no tabs at all'"),
        (b"two parts\t1", r"'two parts\t1'"),
        (b"too high\t5\tk", r"'too high\t5\tk'"),
        (b"below zero\t-1\tk", r"'below zero\t-1\tk'"),
        (b"no number\tjoy\tk", r"'no number\tjoy\tk'"),
        (b"no id\t\tk", r"'no id\t\tk'"),
        (b"", "''"),
        ("caf\u00e9\t1\tk".encode("latin-1"), r"'caf�\t1\tk'"),
    ],
)
def test_a_broken_goemotions_row_is_named_by_file_and_line(goemotions, line, shown):
    (goemotions / "train.tsv").write_bytes(b"Fine.\t4\tk1\r\n" + line + b"\nFine.\t4\tk3\n")
    with pytest.raises(ValueError, match="line") as caught:
        read_real(str(goemotions), "train")
    assert str(caught.value) == (
        f"train.tsv line 2 is {shown}; expected UTF-8 text, label ids below 5 joined by commas, and an id, "
        "divided by tabs. Fix or remove the line."
    )


def test_goemotions_without_label_names_is_refused(goemotions):
    (goemotions / "labels.txt").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        read_real(str(goemotions), "test")
    assert str(caught.value) == (
        f"{goemotions} has no labels.txt; expected one label name per line, in the order of the ids in "
        "dev.tsv. Put it there."
    )


def test_sst_sentences_read_as_people_write_them(sst):
    assert read_real(str(sst), "train") == [
        LabelledText("A dull, long evening.", ("very negative",), "train-2", 0.1),
        LabelledText("Fine.", ("somewhat positive",), "train-3", 0.6),
    ]
    assert read_real(str(sst), "test") == [LabelledText("It isn't bad.", ("neutral",), "dev-2", 0.5)]


@pytest.mark.parametrize(
    "line",
    [b"Fine .,good", b"Fine .,1.01", b"Fine .,-0.1", b"Fine .,nan", b"Fine .", b"Fine .,", b"caf\xe9 .,0.5"],
)
def test_a_broken_sst_row_is_named_by_file_and_line(sst, line):
    # The quoted sentence before it spans two lines.
    (sst / "dev.csv").write_bytes(b'sentence,score\n"One\ntwo .",0.5\n' + line + b"\n")
    with pytest.raises(ValueError, match="line") as caught:
        read_real(str(sst), "test")
    assert str(caught.value) == (
        "dev.csv line 4 is broken; expected UTF-8 text in columns sentence and score, with a score from 0 "
        "to 1. Fix or remove the line."
    )


@pytest.mark.parametrize("content", ["text,score\nFine .,0.5\n", "Fine .,0.5\nBad .,0.1\n"])
def test_sst_without_its_columns_is_refused(sst, content):
    (sst / "dev.csv").write_text(content)
    with pytest.raises(ValueError, match=r"^dev\.csv line 2 is broken; expected UTF-8 text in columns"):
        read_real(str(sst), "test")


def test_a_quote_that_never_closes_is_refused(sst):
    (sst / "dev.csv").write_text('sentence,score\nFine .,0.5\n"Never closed .,0.5\nBad .,0.1\n')
    with pytest.raises(ValueError, match=r"^dev\.csv line \d is broken"):
        read_real(str(sst), "test")


@pytest.mark.parametrize(("split", "name"), [("train", "train"), ("test", "dev")])
def test_a_folder_without_data_is_refused(tmp_path, split, name):
    with pytest.raises(FileNotFoundError) as caught:
        read_real(str(tmp_path), split)
    assert str(caught.value) == (
        f"real data {str(tmp_path)!r} holds neither {name}.tsv (GoEmotions) nor {name}.csv (SST); expected a "
        "folder with one of them, or the hub name go_emotions. Check the path given as --real."
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
    assert level_of_score(score) == level


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


def test_detokenising_twice_is_detokenising_once():
    once = detokenise("`` It 's -LRB- not -RRB- bad , '' he said .")

    assert detokenise(once) == once


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


def test_a_label_of_the_same_name_stands_for_itself():
    taxonomy = load_taxonomy("goemotions")

    assert label_mapping(taxonomy.names, taxonomy) == {name: (name,) for name in taxonomy.names}


def test_seven_levels_map_to_three():
    taxonomy = load_taxonomy("polarity3")

    assert label_mapping(load_taxonomy("sentiment7").names, taxonomy) == {
        "very positive": ("positive",),
        "positive": ("positive",),
        "somewhat positive": ("positive",),
        "neutral": ("neutral",),
        "somewhat negative": ("negative",),
        "negative": ("negative",),
        "very negative": ("negative",),
    }


def test_real_rows_carry_the_labels_of_the_run(goemotions):
    rows = real_rows(str(goemotions), "train", load_taxonomy("ekman"))

    assert [row["labels"] for row in rows] == [["joy"], ["anger"]]
    assert rows[1]["targets"] == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert {row["source"] for row in rows} == {"real"}
    assert {row["split"] for row in rows} == {"train"}
    assert [row["id"] for row in rows] == ["k1", "k2"]


def test_real_rows_on_a_scale_have_a_level(sst):
    (row,) = real_rows(str(sst), "test", load_taxonomy("sentiment7"))

    assert (row["labels"], row["level"], row["text"]) == (["neutral"], 4, "It isn't bad.")


def test_rows_whose_labels_map_to_nothing_are_left_out(goemotions, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text(
        "name: own\nlabels:\n  - {name: anger, meaning: Angry.}\n  - {name: calm, meaning: Calm.}\n"
    )
    (row,) = real_rows(str(goemotions), "train", load_taxonomy(own))

    assert row["id"] == "k2"


def test_real_data_without_any_label_of_the_run_is_refused(goemotions):
    with pytest.raises(ValueError, match="has labels") as caught:
        real_rows(str(goemotions), "train", load_taxonomy("sentiment7"))
    assert str(caught.value) == (
        f"real data {str(goemotions)!r} has labels admiration, anger, annoyance; expected some that taxonomy "
        "sentiment7 knows (very positive, positive, somewhat positive, neutral, somewhat negative ...). "
        "Choose data that fits."
    )


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
