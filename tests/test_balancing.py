"""Exact quotas, and splits that neither near-duplicates nor prompts cross."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.config import SplitConfig
from tasks.data.records import Cell
from tasks.pipeline.balancing import compose_mixed_texts, fill_quotas, split_rows
from tasks.pipeline.balancing.mixed_sentiment import CONNECTIVES
from tasks.pipeline.balancing.splits import linked_groups
from tasks.taxonomy import load_taxonomy

THIRDS = SplitConfig(validation=0.2, test=0.2)


def cell(labels, topic, wanted):
    return Cell(labels=labels, topic=topic, wanted=wanted, n_to_sample=wanted, round=1, seed=1)


@pytest.fixture
def rows_for(make_row):
    def make(labels, topic, *votes):
        return [
            make_row(
                f"Text {i}.",
                labels=labels,
                topic=topic,
                id=f"{'+'.join(labels)}-{topic}-{i}",
                votes={"label_probability": v},
            )
            for i, v in enumerate(votes)
        ]

    return make


def ids(rows):
    return [row["id"] for row in rows]


def test_a_cell_keeps_exactly_what_it_wants_and_the_best_of_it(rows_for):
    rows = rows_for(("joy",), "food", 0.1, 0.9, 0.5, 0.7)
    filtered = fill_quotas(rows, [cell(("joy",), "food", 2)])

    assert ids(filtered.kept) == ["joy-food-1", "joy-food-3"]
    assert ids(r["row"] for r in filtered.rejects) == ["joy-food-2", "joy-food-0"]
    assert filtered.counts() == {"balancing: more than wanted": 2}


def test_surplus_of_other_topics_makes_up_for_what_a_cell_lacks(rows_for):
    rows = [*rows_for(("joy",), "food", 0.9), *rows_for(("joy",), "work", 0.2, 0.8, 0.6, 0.4)]
    filtered = fill_quotas(rows, [cell(("joy",), "food", 2), cell(("joy",), "work", 2)])

    assert ids(filtered.kept) == ["joy-food-0", "joy-work-1", "joy-work-2", "joy-work-3"]
    assert ids(r["row"] for r in filtered.rejects) == ["joy-work-0"]


def test_surplus_never_serves_another_label(rows_for):
    rows = [*rows_for(("joy",), "food", 0.9, 0.8), *rows_for(("fear",), "food", 0.5)]
    filtered = fill_quotas(rows, [cell(("joy",), "food", 1), cell(("fear",), "food", 3)])

    assert ids(filtered.kept) == ["joy-food-0", "fear-food-0"]


def test_what_a_pair_lacks_its_labels_make_up_for_from_their_surplus(rows_for):
    rows = [
        *rows_for(("joy", "fear"), "food", 0.9),
        *rows_for(("joy",), "food", 0.8, 0.2, 0.6, 0.1),
        *rows_for(("fear",), "work", 0.5, 0.3),
    ]
    cells = [cell(("joy",), "food", 1), cell(("fear",), "work", 1), cell(("joy", "fear"), "food", 3)]
    filtered = fill_quotas(rows, cells)

    # Both labels want four. The pair has one of three: two more of joy, and one of fear, for it has no other.
    assert ids(filtered.kept) == [
        "joy-food-0",
        "fear-work-0",
        "joy+fear-food-0",
        "joy-food-2",
        "fear-work-1",
        "joy-food-1",
    ]
    assert ids(r["row"] for r in filtered.rejects) == ["joy-food-3"]


def test_a_row_of_no_cell_is_accounted_for(rows_for):
    rows = [*rows_for(("joy",), "food", 0.9), *rows_for(("joy",), "moon", 0.9)]
    filtered = fill_quotas(rows, [cell(("joy",), "food", 1)])

    assert ids(filtered.kept) == ["joy-food-0"]
    assert filtered.counts() == {"balancing: in no cell of the plan": 1}


def test_no_rows_and_no_cells_are_fine():
    assert fill_quotas([], []).kept == []
    assert fill_quotas([], [cell(("joy",), "food", 2)]).kept == []


@given(
    sizes=st.dictionaries(
        st.tuples(st.sampled_from([("a",), ("b",), ("a", "b")]), st.sampled_from(["x", "y", "z"])),
        st.tuples(st.integers(0, 12), st.integers(0, 8)),
        min_size=1,
    )
)
def test_quotas_are_met_wherever_the_label_set_has_enough(make_row, sizes):
    rows = [
        make_row(labels=labels, topic=topic, id=f"{labels}{topic}{i}")
        for (labels, topic), (n, _) in sizes.items()
        for i in range(n)
    ]
    filtered = fill_quotas(
        rows, [cell(labels, topic, wanted) for (labels, topic), (_, wanted) in sizes.items()]
    )
    kept = Counter(tuple(row["labels"]) for row in filtered.kept)

    for labels in {labels for labels, _ in sizes}:
        have = sum(n for (own, _), (n, _) in sizes.items() if own == labels)
        want = sum(wanted for (own, _), (_, wanted) in sizes.items() if own == labels)
        assert kept[labels] >= min(have, want)
    wanted = Counter()
    for (labels, _), (_, n) in sizes.items():
        wanted.update(dict.fromkeys(labels, n))
    assert all(sum(n for own, n in kept.items() if name in own) <= n for name, n in wanted.items())
    assert sorted(ids([*filtered.kept, *(r["row"] for r in filtered.rejects)])) == sorted(ids(rows))


def labelled(make_row, n_rows, n_labels=3):
    return [
        make_row(
            f"Text {i}.",
            id=f"r{i}",
            labels=(f"l{i % n_labels}",),
            targets=[float(i % n_labels == j) for j in range(n_labels)],
        )
        for i in range(n_rows)
    ]


def test_splits_have_the_shares_that_were_asked_for(make_row):
    parts = Counter(row["split"] for row in split_rows(labelled(make_row, 300), THIRDS, 0))

    assert parts == {"train": 180, "validation": 60, "test": 60}


def test_label_shares_are_alike_in_all_splits(make_row):
    rows = split_rows(labelled(make_row, 300), THIRDS, 0)
    for part, n_rows in (("train", 180), ("validation", 60), ("test", 60)):
        counts = Counter(row["labels"][0] for row in rows if row["split"] == part)
        assert all(abs(counts[f"l{i}"] - n_rows / 3) <= 2 for i in range(3))


def test_the_seed_decides_the_split(make_row):
    rows = labelled(make_row, 60)

    assert split_rows(rows, THIRDS, 4) == split_rows(rows, THIRDS, 4)
    assert split_rows(rows, THIRDS, 4) != split_rows(rows, THIRDS, 5)


def test_splitting_changes_nothing_but_the_split(make_row):
    rows = labelled(make_row, 30)

    assert [{**row, "split": "train"} for row in split_rows(rows, THIRDS, 0)] == rows


@settings(max_examples=25)
@given(data=st.data(), n_rows=st.integers(12, 60), seed=st.integers(0, 9))
def test_nothing_that_is_linked_is_separated(make_row, data, n_rows, seed):
    names = st.sampled_from(["", *(f"n{i}" for i in range(n_rows))])
    rows = [
        {**row, "group": data.draw(names), "prompt_id": data.draw(names)}
        for row in labelled(make_row, n_rows)
    ]
    if len(set(linked_groups(rows))) < 3:
        return
    split = split_rows(rows, THIRDS, seed)

    for kind in ("group", "prompt_id"):
        for name in {row[kind] for row in rows if row[kind]}:
            assert len({row["split"] for row in split if row[kind] == name}) == 1
    assert {row["split"] for row in split} == {"train", "validation", "test"}


def test_links_go_on_through_groups_and_prompts(make_row):
    rows = [
        make_row(group="g1", prompt_id="p1"),
        make_row(group="g1", prompt_id="p2"),
        make_row(group="g2", prompt_id="p2"),
        make_row(group="g3", prompt_id="p3"),
        make_row(group="", prompt_id=""),
        make_row(group="", prompt_id=""),
    ]
    first, second, third, fourth, fifth, sixth = linked_groups(rows)

    assert first == second == third
    assert len({first, fourth, fifth, sixth}) == 4


def test_a_group_and_a_prompt_of_one_name_are_not_the_same(make_row):
    first, second = linked_groups([make_row(group="x"), make_row(prompt_id="x")])

    assert first != second


def test_three_groups_are_one_per_split(make_row):
    split = split_rows(labelled(make_row, 3), THIRDS, 0)

    assert {row["split"] for row in split} == {"train", "validation", "test"}


def test_too_few_groups_are_refused(make_row):
    rows = [{**row, "group": f"g{i % 2}"} for i, row in enumerate(labelled(make_row, 9))]
    with pytest.raises(ValueError, match="groups") as caught:
        split_rows(rows, THIRDS, 0)
    assert str(caught.value) == (
        "9 accepted rows form 2 groups of near-duplicates and shared prompts; expected at least 3, one per "
        "split. Ask for more texts, topics or styles."
    )


SCALE = load_taxonomy("sentiment7")


def one(make_row, name, label, text="It was fine.", **columns):
    return make_row(text, id=name, labels=(label,), targets=SCALE.targets_of([label]), level=1, **columns)


def test_two_sides_of_a_topic_become_one_mixed_text_with_its_segments(make_row):
    rows = [
        one(make_row, "p", "very positive", "I loved the food", prompt_id="a", votes={"fold": 0.9, "x": 1.0}),
        one(make_row, "n", "negative", "The wait was long.", prompt_id="b", votes={"fold": 0.4}),
    ]
    (mixed,) = compose_mixed_texts(rows, SCALE, 0.5, 1)
    parts = {s["label"]: mixed["text"][s["start"] : s["end"]] for s in mixed["segments"]}

    assert mixed["text"] in {
        f"{a} {word} {b}"
        for word in CONNECTIVES
        for a, b in (("I loved the food.", "the wait was long."), ("The wait was long.", "I loved the food"))
    }
    assert {label: part.strip(".").lower() for label, part in parts.items()} == {
        "very positive": "i loved the food",
        "negative": "the wait was long",
    }
    assert sorted(mixed["labels"]) == ["negative", "very positive"]
    assert mixed["targets"] == [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    assert mixed["level"] is None
    assert sorted(mixed["id"].split("+")) == ["n", "p"]
    assert mixed["votes"]["fold"] == 0.4


def test_a_mixed_text_keeps_what_is_unknown_and_the_votes_of_both_halves(make_row):
    glad = one(
        make_row, "p", "positive", "I loved the food.", prompt_id="a", votes={"positive|requested": 1.0}
    )
    sad = one(
        make_row, "n", "negative", "The wait was long.", prompt_id="b", votes={"negative|requested": 1.0}
    )
    glad["targets"] = [-1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0]
    (mixed,) = compose_mixed_texts([glad, sad], SCALE, 0.5, 1)

    assert mixed["targets"] == [-1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    assert mixed["votes"] == {"positive|requested": 1.0, "negative|requested": 1.0}


def test_mixing_leaves_the_texts_per_label_and_the_share_as_asked(make_row):
    rows = [
        one(make_row, f"r{i}", SCALE.names[i % 7], topic="food", split=("train", "test")[i % 2])
        for i in range(700)
    ]
    mixed = compose_mixed_texts(rows, SCALE, 0.1, 0)
    counts = Counter(name for row in mixed for name in row["labels"])

    assert sum(bool(row["segments"]) for row in mixed) == 64  # 64 / (700 - 64) is a tenth
    assert counts == dict.fromkeys(SCALE.names, 100)
    assert {row["split"] for row in mixed if row["segments"]} == {"train", "test"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"label": "positive"}, {"label": "somewhat positive"}),
        ({"label": "neutral"}, {"label": "negative"}),
        ({"label": "positive", "topic": "work"}, {"label": "negative"}),
        ({"label": "positive", "split": "test"}, {"label": "negative"}),
        ({"label": "positive", "source": "real"}, {"label": "negative"}),
        ({"label": "positive", "scrubbed": {"PERSON": 1}}, {"label": "negative", "scrubbed": {"PERSON": 2}}),
    ],
)
def test_what_does_not_belong_together_is_not_joined(make_row, first, second):
    rows = [one(make_row, "a", **first), one(make_row, "b", **second)]

    assert compose_mixed_texts(rows, SCALE, 0.5, 0) == rows


def test_the_ends_of_a_scale_with_one_side_are_not_joined(make_row):
    rows = [one(make_row, "a", "very positive"), one(make_row, "b", "negative")]

    assert compose_mixed_texts(rows, SCALE.model_copy(update={"two_sided": False}), 0.5, 0) == rows


def test_without_a_scale_nothing_is_mixed(make_row):
    rows = [make_row(labels=("joy",)), make_row(labels=("anger",))]

    assert compose_mixed_texts(rows, load_taxonomy("ekman"), 0.5, 0) == rows
