"""Taxonomies and topics: what ships is sound, and every wrong file is refused with its place."""

import re
from pathlib import Path

import pytest

from tasks.taxonomy import Taxonomy, Topics, load_taxonomy, load_topics

STARS = ("1 star", "5 stars")
"""The ends of a scale of stars, which say how many stars there are."""
LEVELS = (
    "very positive",
    "positive",
    "somewhat positive",
    "neutral",
    "somewhat negative",
    "negative",
    "very negative",
)


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared in full
        load_taxonomy(write(folder, text))
    return str(caught.value).replace(str(folder) + "/", "")


def test_sentiment7_runs_from_very_positive_to_very_negative():
    taxonomy = load_taxonomy("sentiment7")
    assert taxonomy.names == LEVELS
    assert taxonomy.index["neutral"] == 3
    assert taxonomy.ordinal
    assert taxonomy.allowed_pairs() == []  # a text has one overall level


def test_adjacent_pairs_are_those_of_neighbours_on_a_scale(tmp_path):
    levels = "[{name: low, meaning: Little.}, {name: mid, meaning: Some.}, {name: high, meaning: Much.}]"
    path = write(tmp_path, f"name: mine\nordinal: true\npairs: adjacent\nlabels: {levels}")
    assert load_taxonomy(path).allowed_pairs() == [("low", "mid"), ("mid", "high")]


def test_level_counts_from_one_and_is_none_without_one_level():
    taxonomy = load_taxonomy("sentiment7")
    assert taxonomy.level_of(["very positive"]) == 1
    assert taxonomy.level_of(["very negative"]) == 7
    assert taxonomy.level_of(["positive", "somewhat positive"]) is None
    assert load_taxonomy("goemotions").level_of(["joy"]) is None


def test_goemotions_has_27_emotions_and_neutral_which_stands_alone():
    taxonomy = load_taxonomy("goemotions")
    assert taxonomy.n_labels == 28
    assert (taxonomy.names[0], taxonomy.names[26], taxonomy.names[27]) == (
        "admiration",
        "surprise",
        "neutral",
    )
    assert list(taxonomy.names[:27]) == sorted(taxonomy.names[:27])
    pairs = taxonomy.allowed_pairs()
    assert ("disappointment", "sadness") in pairs
    assert not [pair for pair in pairs if "neutral" in pair]
    assert pairs == sorted(pairs, key=lambda pair: (taxonomy.index[pair[0]], taxonomy.index[pair[1]]))


def test_every_goemotions_word_belongs_to_one_ekman_emotion():
    words = [word for label in load_taxonomy("ekman").labels for word in label.aliases]
    assert sorted(words) == sorted(load_taxonomy("goemotions").names)


def test_every_level_word_belongs_to_one_polarity():
    words = tuple(word for label in load_taxonomy("polarity3").labels for word in label.aliases)
    assert tuple(word for word in words if word not in STARS) == LEVELS


@pytest.mark.parametrize("name", ["sentiment7", "goemotions", "ekman", "polarity3"])
def test_bundled_labels_have_a_meaning_in_one_sentence_and_known_aliases(name):
    known = {*load_taxonomy("goemotions").names, *LEVELS, *STARS}
    for label in load_taxonomy(name).labels:
        assert re.fullmatch(r"The writer [^.]+\.", label.meaning)
        assert set(label.aliases) <= known


def test_targets_are_multi_hot_and_refuse_unknown_labels():
    taxonomy = load_taxonomy("polarity3")
    assert taxonomy.targets_of(["negative", "positive"]) == [1.0, 0.0, 1.0]
    with pytest.raises(
        ValueError,
        match=re.escape(
            "label is 'neutrl'; expected one of taxonomy polarity3: positive, neutral, negative. "
            "Did you mean neutral? Check the spelling."
        ),
    ):
        taxonomy.targets_of(["neutrl"])


def test_unknown_name_lists_what_ships_and_what_is_close():
    with pytest.raises(ValueError, match="is 'goemotion'") as caught:
        load_taxonomy("goemotion")
    assert str(caught.value) == (
        "taxonomy is 'goemotion'; expected ekman, goemotions, polarity3, sentiment7, or the path of a YAML "
        "file. Did you mean goemotions? Check the name."
    )


def test_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match=r"no/such\.yaml is missing \(looked in .*\); expected"):
        load_taxonomy("no/such.yaml")


def test_yaml_typo_names_file_and_line(tmp_path):
    text = "name: mine\nlabels:\n  - name: a\n    meaning: [x\n  - name: b\n"
    assert refusal(tmp_path, text) == (
        "mine.yaml, line 5 is not YAML: expected ',' or ']', but got ':'; expected valid YAML. Fix that line."
    )


def test_unknown_key_names_file_line_and_key(tmp_path):
    text = "name: mine\nlabels:\n  - {name: a, meaning: x}\n  - name: b\n    meanin: y\n    meaning: y\n"
    assert refusal(tmp_path, text) == (
        "mine.yaml, line 5: labels.1.meanin is not a known key. Check its spelling."
    )


def test_missing_key_names_the_entry(tmp_path):
    text = "name: mine\nlabels:\n  - {name: a, meaning: x}\n  - meaning: b\n"
    assert refusal(tmp_path, text) == "mine.yaml, line 4: labels.1.name is missing; expected a value. Add it."


def test_a_label_without_a_meaning_is_refused(tmp_path):
    text = "name: mine\nlabels:\n  - name: refund\n  - {name: bug, meaning: It does not work.}\n"
    assert refusal(tmp_path, text) == (
        "mine.yaml, line 3: labels.0.meaning is missing; expected a value. Add it."
    )


@pytest.mark.parametrize("labels", ["[refund, bug]", "[{name: refund}, {name: bug}]"])
def test_a_taxonomy_without_meanings_is_refused_in_one_message(tmp_path, labels):
    assert refusal(tmp_path, f"name: mine\nlabels: {labels}\n") == (
        "mine.yaml, line 1: no label has a meaning (refund, bug); expected a name and a sentence for each, "
        "such as {name: refund, meaning: The customer asks for money back.}. Add them."
    )


def test_a_meaning_of_one_word_is_refused_before_a_run_and_a_sentence_without_blanks_is_not():
    own = {
        "name": "mine",
        "labels": [{"name": "refund", "meaning": "Refund."}, {"name": "bug", "meaning": "bug"}],
    }
    message = (
        "the meaning of 'refund: Refund.', 'bug: bug' in taxonomy mine is one word; expected a sentence that "
        "says what a text with the label says or shows. Write it out."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Taxonomy.model_validate(own).require_meanings()

    own["labels"] = [{"name": "a", "meaning": "顧客は返金を求める。"}, {"name": "b", "meaning": "It fails."}]
    Taxonomy.model_validate(own).require_meanings()


@pytest.mark.parametrize("name", ["ekman", "goemotions", "polarity3", "sentiment7"])
def test_shipped_meanings_are_sentences(name):
    load_taxonomy(name).require_meanings()


@pytest.mark.parametrize("name", ["../../escape", "a/b", ".hidden", "-x", "a\\b", "a:b"])
def test_a_name_that_no_folder_can_carry_is_refused(tmp_path, name):
    text = f"name: '{name}'\nlabels:\n  - {{name: a, meaning: x}}\n  - {{name: b, meaning: y}}\n"
    assert refusal(tmp_path, text) == (
        f"mine.yaml, line 1: taxonomy name is {name!r}; expected letters, digits, blanks, dots, dashes and "
        "underscores, a letter or digit first, because folders of runs begin with it. Rename it."
    )


def test_key_that_stands_twice_is_refused(tmp_path):
    text = "name: mine\nlabels: []\nlabels: []\n"
    assert (
        refusal(tmp_path, text)
        == "mine.yaml, line 3: key 'labels' is there twice; expected it once. Remove one."
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "labels: [{name: a, meaning: x}]",
            "taxonomy mine has 1 label; expected at least two. Add labels.",
        ),
        (
            "labels: [{name: a, meaning: x}, {name: a, meaning: y}]",
            "label 'a' stands more than once; expected each once. Remove the copies.",
        ),
        (
            "labels: [{name: Refund, meaning: x}, {name: refund, meaning: y}]",
            "labels 'Refund' and 'refund' differ only in case or signs, and the file refund_data.txt can "
            "hold the texts of one; expected names that differ in letters or digits. Rename one of them.",
        ),
        (
            "labels: [{name: a b, meaning: x}, {name: A/b, meaning: y}]",
            "labels 'a b' and 'A/b' differ only in case or signs, and the file A_b_data.txt can hold the "
            "texts of one; expected names that differ in letters or digits. Rename one of them.",
        ),
        (
            "pairs: adjacent\nlabels: [{name: a, meaning: x}, {name: b, meaning: y}]",
            "pairs of taxonomy mine is 'adjacent' but ordinal is false; expected ordinal: true, or a list of "
            "pairs. Change one of them.",
        ),
        (
            "two_sided: true\nlabels: [{name: a, meaning: x}, {name: b, meaning: y}]",
            "taxonomy mine is two_sided but ordinal is false; expected a scale. Add ordinal: true, or remove "
            "two_sided.",
        ),
        (
            "pairs: [[a, c]]\nlabels: [{name: a, meaning: x}, {name: b, meaning: y}]",
            "label is 'c'; expected one of taxonomy mine: a, b. Check the spelling.",
        ),
        (
            "pairs: [[a, a]]\nlabels: [{name: a, meaning: x}, {name: b, meaning: y}]",
            "pair is a + a; expected two different labels. Remove it.",
        ),
        (
            "pairs: [[a, b], [b, a]]\nlabels: [{name: a, meaning: x}, {name: b, meaning: y}]",
            "pair 'a + b' stands more than once; expected each once. Remove the copies.",
        ),
    ],
)
def test_inconsistent_taxonomy_is_refused(tmp_path, body, message):
    assert refusal(tmp_path, f"name: mine\n{body}\n") == f"mine.yaml, line 1: {message}"


def test_own_taxonomy_loads(tmp_path):
    text = "name: mine\nlabels:\n  - {name: a, meaning: x}\n  - {name: b, meaning: y}\npairs: [[b, a]]\n"
    taxonomy = load_taxonomy(write(tmp_path, text))
    assert taxonomy.names == ("a", "b")
    assert taxonomy.allowed_pairs() == [("a", "b")]


def test_bundled_topics_are_many_wide_and_plain():
    topics = load_topics()
    assert len(topics.topics) >= 36
    assert len({topic.domain for topic in topics.topics}) >= 12
    for topic in topics.topics:
        assert re.fullmatch(r"[a-z-]+( [a-z-]+){0,2}", topic.name)
        assert 2 <= len(topic.scenarios) <= 3
        assert all(re.fullmatch(r"[A-Z][^.]+\.", scenario) for scenario in topic.scenarios)


def test_topics_and_styles_are_selected_by_name():
    chosen = load_topics().select(["pets", "books"], ["letter"])
    assert chosen.names == ("pets", "books")
    assert [style.name for style in chosen.styles] == ["letter"]
    assert load_topics().select() == load_topics()


def test_unknown_topic_is_named_with_close_ones():
    topics = Topics.model_validate(
        {
            "topics": [
                {"name": "books", "domain": "media", "scenarios": ["A novel."]},
                {"name": "films", "domain": "media", "scenarios": ["A film."]},
            ]
        }
    )
    with pytest.raises(ValueError, match="is 'bookz'") as caught:
        topics.select(["bookz", "films"])
    assert str(caught.value) == (
        "topic is 'bookz'; expected one of the topics at hand: books, films. Did you mean books? "
        "Check the spelling."
    )


def test_empty_topic_list_is_refused():
    with pytest.raises(
        ValueError,
        match=re.escape("list of topics is empty; expected at least one topic. Name some, or leave it out."),
    ):
        load_topics().select([])


def test_topics_file_without_styles_gets_those_that_ship(tmp_path):
    path = write(tmp_path, "topics:\n  - {name: chess, domain: games, scenarios: [A lost endgame.]}\n")
    topics = load_topics(path)
    assert topics.names == ("chess",)
    assert topics.styles == load_topics().styles
