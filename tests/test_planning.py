"""The plan: exact quotas, and cells that stay as they are when something else changes."""

from collections import Counter

import pytest

from tasks.config import PlanConfig, RunConfig
from tasks.planning import label_set_sizes, plan_cells, refill_cells, stable_seed
from tasks.records import Cell
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


def by_key(cells: list[Cell]) -> dict[str, Cell]:
    return {cell.key: cell for cell in cells}


def test_pairs_are_a_fifth_of_the_texts_and_every_label_gets_its_quota():
    assert label_set_sizes(ABC, per_label=10, pair_share=0.2) == {
        ("a",): 5,
        ("b",): 5,
        ("c",): 10,
        ("a", "b"): 5,
    }


def test_without_pairs_every_text_has_one_label():
    assert label_set_sizes(ABC, per_label=10, pair_share=0.0) == {("a",): 10, ("b",): 10, ("c",): 10}
    assert label_set_sizes(load_taxonomy("polarity3"), 2, 0.5) == {
        ("positive",): 2,
        ("neutral",): 2,
        ("negative",): 2,
    }


def test_pairs_never_exceed_what_their_labels_want():
    assert label_set_sizes(ABC, per_label=3, pair_share=1.0) == {("c",): 3, ("a", "b"): 3}


@pytest.mark.parametrize("name", ["sentiment7", "goemotions", "ekman", "polarity3"])
@pytest.mark.parametrize("per_label", [1, 7, 160])
@pytest.mark.parametrize("pair_share", [0.0, 0.2, 1.0])
def test_wanted_texts_add_up_exactly_for_every_label(name, per_label, pair_share):
    taxonomy = load_taxonomy(name)
    cells = plan(load_topics(), taxonomy, per_label=per_label, pair_share=pair_share)
    wanted = Counter()
    for cell in cells:
        wanted.update(dict.fromkeys(cell.labels, cell.wanted))
    assert wanted == dict.fromkeys(taxonomy.names, per_label)
    assert all(cell.wanted >= 1 for cell in cells)


def test_a_fifth_of_sentiment7_are_neighbouring_levels():
    sizes = label_set_sizes(load_taxonomy("sentiment7"), per_label=160, pair_share=0.2)
    pairs = {labels: n for labels, n in sizes.items() if len(labels) == 2}
    assert list(pairs.values()) == [32, 31, 31, 31, 31, 31]
    assert sum(sizes.values()) == 933


def test_texts_are_spread_evenly_over_topics_and_oversampled():
    cells = plan(some_topics("x", "y", "z"), per_label=10, pair_share=0.0, oversampling=1.5)
    assert sorted(cell.wanted for cell in cells if cell.labels == ("a",)) == [3, 3, 4]
    assert {(cell.wanted, cell.draw) for cell in cells} == {(3, 5), (4, 6)}
    assert {cell.round for cell in cells} == {1}


def test_no_more_topics_than_asked_for():
    cells = plan(load_topics(), per_label=40, topics_per_label=4, pair_share=0.0)
    assert Counter(cell.labels for cell in cells) == {("a",): 4, ("b",): 4, ("c",): 4}


def test_label_sets_draw_different_topics():
    cells = plan(load_topics(), per_label=40, topics_per_label=4, pair_share=0.0)
    drawn = {labels: {c.topic for c in cells if c.labels == labels} for labels in [("a",), ("b",), ("c",)]}
    assert drawn[("a",)] != drawn[("b",)] != drawn[("c",)]


def test_same_config_same_plan_and_another_seed_another():
    assert plan(load_topics()) == plan(load_topics())
    assert plan(load_topics()) != plan(load_topics(), seed=1)


def test_replacing_one_topic_changes_only_its_cells():
    before = by_key(plan(some_topics("v", "w", "x", "y", "z"), per_label=13))
    after = by_key(plan(some_topics("v", "w", "q", "y", "z"), per_label=13))
    assert {key: cell for key, cell in before.items() if cell.topic != "x"} == {
        key: cell for key, cell in after.items() if cell.topic != "q"
    }
    assert [c.wanted for c in before.values() if c.topic == "x"] == [
        c.wanted for c in after.values() if c.topic == "q"
    ]


def test_removing_one_of_many_topics_brings_in_one_other_where_it_was_drawn_and_nothing_elsewhere():
    knobs = {"per_label": 40, "topics_per_label": 4, "pair_share": 0.0}
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
    return Cell(labels=("a",), topic=topic, wanted=wanted, draw=draw, round=1, seed=7)


def test_refill_draws_what_is_missing_at_the_cells_own_rate():
    cells = [cell("full", 10, 15), cell("half", 10, 15), cell("third", 9, 15)]
    accepted = {"a | full": 10, "a | half": 6, "a | third": 5}
    drawn = {"a | full": 15, "a | half": 12, "a | third": 15}
    refills = refill_cells(cells, accepted, drawn, 2)
    assert [(c.topic, c.wanted, c.draw, c.round) for c in refills] == [("half", 4, 8, 2), ("third", 4, 12, 2)]


def test_refill_of_a_barren_cell_is_bounded():
    refills = refill_cells([cell("x", 10, 15)], {}, {"a | x": 15}, 2)
    assert [(c.wanted, c.draw) for c in refills] == [(10, 40)]
    assert [(c.draw) for c in refill_cells([cell("x", 40, 60)], {"a | x": 39}, {"a | x": 2000}, 3)] == [20]


def test_refill_rounds_have_seeds_of_their_own():
    second = refill_cells([cell("x", 10, 15)], {}, {}, 2)
    third = refill_cells([cell("x", 10, 15)], {}, {}, 3)
    assert len({7, second[0].seed, third[0].seed}) == 3


def test_nothing_to_refill_when_every_cell_is_filled():
    assert refill_cells([cell("x", 10, 15)], {"a | x": 12}, {"a | x": 15}, 2) == []
