"""The plan: exact quotas, and cells that stay as they are when something else changes."""

from collections import Counter
from fractions import Fraction
from math import ceil, sqrt

import pytest

from tasks.config import PlanConfig, RunConfig
from tasks.data.records import Cell
from tasks.pipeline.planning.cells import (
    afford,
    label_set_sizes,
    plan_cells,
    refill_cells,
    set_weights,
    stable_seed,
)
from tasks.taxonomy import Taxonomy, Topics, load_taxonomy, load_topics

ABC = Taxonomy.model_validate(
    {
        "name": "abc",
        "labels": [{"name": name, "meaning": "The writer spells."} for name in "abc"],
        "pairs": [["a", "b"]],
    }
)


def some_topics(*names: str) -> Topics:
    entries = [{"name": name, "domain": "d", "scenarios": ["Something happens."]} for name in names]
    return Topics.model_validate({"topics": entries, "styles": [{"name": "s", "description": "A style."}]})


def plan(topics: Topics, taxonomy: Taxonomy = ABC, seed: int = 0, **knobs: object) -> list[Cell]:
    return plan_cells(RunConfig(seed=seed, plan=PlanConfig(**knobs)), taxonomy, topics)


REAL_COUNTS = {("a",): 90, ("b",): 50, ("c",): 9, ("a", "b"): 64, ("b", "c"): 4, ("a", "b", "c"): 1}


def sizes(
    taxonomy: Taxonomy, texts_per_label: int, share: float, real_counts=None, label_set_smoothing: float = 1.0
):
    weights = set_weights(taxonomy, real_counts or {}, label_set_smoothing)
    return label_set_sizes(taxonomy.names, weights, texts_per_label, share)


def by_key(cells: list[Cell]) -> dict[str, Cell]:
    return {cell.key: cell for cell in cells}


def test_pairs_are_a_fifth_of_the_texts_and_every_label_gets_its_quota():
    assert sizes(ABC, 10, 0.2) == {
        ("a",): 5,
        ("b",): 5,
        ("c",): 10,
        ("a", "b"): 5,
    }


def test_without_pairs_every_text_has_one_label():
    assert sizes(ABC, 10, 0.0) == {("a",): 10, ("b",): 10, ("c",): 10}
    assert sizes(load_taxonomy("polarity3"), 2, 0.5) == {
        ("positive",): 2,
        ("neutral",): 2,
        ("negative",): 2,
    }


def test_pairs_never_exceed_what_their_labels_want():
    assert sizes(ABC, 3, 1.0) == {("c",): 3, ("a", "b"): 3}


@pytest.mark.parametrize("multi_label_fraction", [0.0, 0.2, 1.0])
def test_with_a_number_per_topic_every_label_has_it_about_every_topic(multi_label_fraction):
    cells = plan(
        some_topics("bread", "tea"),
        load_taxonomy("ekman"),
        texts_per_topic=5,
        multi_label_fraction=multi_label_fraction,
    )
    wanted = Counter()
    for cell in cells:
        wanted.update({(label, cell.topic): cell.wanted for label in cell.labels})

    assert wanted == {
        (label, topic): 5 for label in load_taxonomy("ekman").names for topic in ("bread", "tea")
    }


@pytest.mark.parametrize("name", ["sentiment7", "goemotions", "ekman", "polarity3"])
@pytest.mark.parametrize("texts_per_label", [1, 7, 160])
@pytest.mark.parametrize("multi_label_fraction", [0.0, 0.2, 1.0])
def test_wanted_texts_add_up_exactly_for_every_label(name, texts_per_label, multi_label_fraction):
    taxonomy = load_taxonomy(name)
    cells = plan(
        load_topics(), taxonomy, texts_per_label=texts_per_label, multi_label_fraction=multi_label_fraction
    )
    wanted = Counter()
    for cell in cells:
        wanted.update(dict.fromkeys(cell.labels, cell.wanted))
    assert wanted == dict.fromkeys(taxonomy.names, texts_per_label)
    assert all(cell.wanted >= 1 for cell in cells)


def test_a_scale_has_texts_between_neighbouring_levels_only_if_it_pairs_them():
    scale = load_taxonomy("sentiment7")
    assert sizes(scale, 160, 0.2) == {(name,): 160 for name in scale.names}
    found = sizes(scale.model_copy(update={"pairs": "adjacent"}), 160, 0.2)
    pairs = {labels: n for labels, n in found.items() if len(labels) == 2}
    assert sorted(pairs.values()) == [31, 31, 31, 31, 31, 32]
    assert sum(found.values()) == 933


@pytest.mark.parametrize(
    ("label_set_smoothing", "expected"),
    [
        # Of 300 labels wanted, a fifth of the texts carry two or three. Weights 64 : 1 : 4, then their roots
        # 8 : 1 : 2 (0.2 * 300 / (1 + 0.2 * 12 / 11) = 49.25 texts: 35.8, 4.5, 9.0), then 1 : 1 : 1.
        (1.0, {("a", "b"): 46, ("a", "b", "c"): 1, ("b", "c"): 3}),
        (0.5, {("a", "b"): 36, ("a", "b", "c"): 4, ("b", "c"): 9}),
        (0.0, {("a", "b"): 15, ("a", "b", "c"): 16, ("b", "c"): 16}),
    ],
)
def test_label_sets_are_as_frequent_as_in_real_text_up_to_tempering(label_set_smoothing, expected):
    found = sizes(ABC, 100, 0.2, REAL_COUNTS, label_set_smoothing)
    assert {labels: n for labels, n in found.items() if len(labels) > 1} == expected


@pytest.mark.parametrize("label_set_smoothing", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("share", [0.1, 0.2, 1.0])
def test_the_rarest_label_has_its_quota_whatever_real_text_shows(label_set_smoothing, share):
    counts = Counter()
    for labels, n in sizes(ABC, 37, share, REAL_COUNTS, label_set_smoothing).items():
        counts.update(dict.fromkeys(labels, n))
    assert counts == {"a": 37, "b": 37, "c": 37}


def test_no_text_gets_a_set_of_four_labels_or_company_for_a_label_that_stands_alone():
    goemotions = load_taxonomy("goemotions")
    real_counts = {
        ("joy", "love"): 4,
        ("joy", "neutral"): 9,
        ("anger", "fear", "joy", "love"): 9,
        ("joy",): 9,
    }
    assert set_weights(goemotions, real_counts, 1.0) == {("joy", "love"): 4_000}


def test_without_sets_in_real_text_the_pairs_of_the_taxonomy_count():
    assert set_weights(ABC, {("a",): 5, ("b",): 7}, 0.6) == {("a", "b"): 1}


def test_sets_of_a_fraction_of_a_text_are_chosen_as_often_as_they_should_be():
    # 40 pairs share 20 texts: none is passed over by rounding, and another seed chooses others.
    names = [f"l{i}" for i in range(80)]
    weights = dict.fromkeys([(names[i], names[i + 1]) for i in range(0, 80, 2)], Fraction(1))
    chosen = [
        {labels for labels in label_set_sizes(names, weights, 1, 20 / 60, seed) if len(labels) > 1}
        for seed in range(2)
    ]
    assert [len(pairs) for pairs in chosen] == [20, 20]
    assert chosen[0] != chosen[1]


def test_texts_are_spread_evenly_over_topics_and_oversampled():
    cells = plan(some_topics("x", "y", "z"), texts_per_label=10, multi_label_fraction=0.0, oversampling=1.5)
    assert sorted(cell.wanted for cell in cells if cell.labels == ("a",)) == [3, 3, 4]
    assert {(cell.wanted, cell.n_to_sample) for cell in cells} == {(3, 5), (4, 6)}
    assert {cell.round for cell in cells} == {1}


def test_no_more_topics_than_asked_for():
    cells = plan(load_topics(), texts_per_label=40, topics_per_label=4, multi_label_fraction=0.0)
    assert Counter(cell.labels for cell in cells) == {("a",): 4, ("b",): 4, ("c",): 4}


def test_label_sets_draw_different_topics():
    cells = plan(load_topics(), texts_per_label=40, topics_per_label=4, multi_label_fraction=0.0)
    drawn = {labels: {c.topic for c in cells if c.labels == labels} for labels in [("a",), ("b",), ("c",)]}
    assert drawn[("a",)] != drawn[("b",)] != drawn[("c",)]


def test_same_config_same_plan_and_another_seed_another():
    assert plan(load_topics()) == plan(load_topics())
    assert plan(load_topics()) != plan(load_topics(), seed=1)


def test_replacing_one_topic_changes_only_its_cells():
    before = by_key(plan(some_topics("v", "w", "x", "y", "z"), texts_per_label=13))
    after = by_key(plan(some_topics("v", "w", "q", "y", "z"), texts_per_label=13))
    assert {key: cell for key, cell in before.items() if cell.topic != "x"} == {
        key: cell for key, cell in after.items() if cell.topic != "q"
    }
    assert [c.wanted for c in before.values() if c.topic == "x"] == [
        c.wanted for c in after.values() if c.topic == "q"
    ]


def test_removing_one_of_many_topics_brings_in_one_other_where_it_was_drawn_and_nothing_elsewhere():
    knobs = {"texts_per_label": 40, "topics_per_label": 4, "multi_label_fraction": 0.0}
    taxonomy = load_taxonomy("goemotions")
    names = list(load_topics().names)
    before = by_key(plan(load_topics(), taxonomy, **knobs))
    after = by_key(plan(load_topics().select([n for n in names if n != "pets"]), taxonomy, **knobs))
    gone = [cell.labels for cell in before.values() if cell.topic == "pets"]
    assert gone
    assert {key for key, cell in before.items() if cell.topic == "pets"} == before.keys() - after.keys()
    assert sorted(after[key].labels for key in after.keys() - before.keys()) == sorted(gone)
    assert all(before[key] == after[key] for key in before.keys() & after.keys())


def test_seeds_differ_from_cell_to_cell_and_are_the_same_everywhere():
    cells = plan(load_topics(), load_taxonomy("goemotions"))
    assert len({cell.seed for cell in cells}) == len(cells)
    assert stable_seed(0, "joy", "pets", 1) == 797842448


def test_unknown_topic_is_refused():
    config = RunConfig(plan=PlanConfig(topics=["pest"]))
    with pytest.raises(ValueError, match=r"topic is 'pest'; .* Did you mean pets or phones\?"):
        plan_cells(config, ABC, load_topics())


def cell(topic: str, wanted: int, draw: int) -> Cell:
    return Cell(labels=("a",), topic=topic, wanted=wanted, n_to_sample=draw, round=1, seed=7)


def test_refill_draws_what_is_missing_at_the_cells_own_rate_and_a_deviation_more():
    cells = [cell("full", 10, 15), cell("half", 10, 15), cell("third", 9, 15)]
    accepted = {"a | full": 10, "a | half": 6, "a | third": 5}
    drawn = {"a | full": 15, "a | half": 12, "a | third": 15}
    refills = refill_cells(cells, accepted, drawn, 2)
    # All cells: 21 of 42. half: (6 + 5) / 22 = 1/2, (4 + sqrt(4 * 1/2)) / (1/2) = 10.8.
    # third: (5 + 5) / 25 = 2/5, (4 + sqrt(4 * 3/5)) / (2/5) = 13.9.
    assert [(c.topic, c.wanted, c.n_to_sample, c.round) for c in refills] == [
        ("half", 4, 11, 2),
        ("third", 4, 14, 2),
    ]


def test_a_cell_without_luck_is_judged_by_its_like():
    lucky, unlucky = cell("lucky", 50, 50), cell("unlucky", 50, 2)
    refills = refill_cells([lucky, unlucky], {"a | lucky": 50}, {"a | lucky": 50, "a | unlucky": 2}, 2)
    # 50 of 52 passed in all, so ten of the like make it (0 + 9.6) / 12 = 0.8, and not 0.05.
    assert [c.n_to_sample for c in refills] == [ceil((50 + sqrt(50 * (1 - 0.8013))) / 0.8013)] == [67]


def test_refill_of_a_barren_cell_is_bounded():
    refills = refill_cells([cell("x", 10, 15)], {}, {"a | x": 15}, 2)
    assert [(c.wanted, c.n_to_sample) for c in refills] == [(10, 40)]
    assert [
        (c.n_to_sample) for c in refill_cells([cell("x", 40, 60)], {"a | x": 39}, {"a | x": 2000}, 3)
    ] == [40]


def test_what_cannot_be_paid_for_is_not_drawn():
    cells = [cell("x", 10, 15), cell("y", 40, 45), cell("z", 1, 1)]
    assert afford(cells, 61) == cells
    assert [(c.topic, c.n_to_sample, c.wanted) for c in afford(cells, 30)] == [("x", 7, 10), ("y", 22, 40)]
    assert afford(cells, 0) == []


def test_refill_rounds_have_seeds_of_their_own():
    second = refill_cells([cell("x", 10, 15)], {}, {}, 2)
    third = refill_cells([cell("x", 10, 15)], {}, {}, 3)
    assert len({7, second[0].seed, third[0].seed}) == 3


def test_nothing_to_refill_when_every_cell_is_filled():
    assert refill_cells([cell("x", 10, 15)], {"a | x": 12}, {"a | x": 15}, 2) == []
