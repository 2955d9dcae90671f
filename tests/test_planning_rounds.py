"""The quota loop: what is sampled next, and which budget ends it."""

import pytest

from tasks.config import GeneratorConfig, PlanConfig, RunConfig
from tasks.data.records import Cell
from tasks.data.references import DatasetRef
from tasks.pipeline.planning.rounds import (
    QuotaState,
    affordable_texts,
    after_sampling,
    spent,
    with_next_cells,
)

CELLS = (
    Cell(labels=("positive",), topic="pets", wanted=10, n_to_sample=15, round=1, seed=1),
    Cell(labels=("negative",), topic="pets", wanted=10, n_to_sample=15, round=1, seed=2),
)
EMPTY = DatasetRef(uri="data/a.parquet", sha256="a" * 64, n_rows=0)
START = QuotaState(planned=CELLS, cells=CELLS, accepted=EMPTY, pool=EMPTY)


def config_of(**plan):
    return RunConfig(plan=PlanConfig(**plan), generator=GeneratorConfig(max_new_tokens=20)).resolved()


def after_a_round(n_tokens=300):
    """A round that sampled 30 texts."""
    return after_sampling(START, n_tokens)


def test_sampling_all_cells_counts_their_texts_and_tokens():
    state = after_sampling(after_a_round(), 50)

    assert after_a_round().n_sampled == {"positive | pets": 15, "negative | pets": 15}
    assert (state.n_rounds, state.n_tokens, state.cells) == (2, 350, ())
    assert START.n_rounds == 0  # a state is never changed


def test_all_cells_come_first_then_those_that_are_short():
    first = with_next_cells(START, {}, config_of(), 0.0)
    refill = with_next_cells(after_a_round(), {"positive | pets": 10, "negative | pets": 6}, config_of(), 0.0)

    assert first.cells == CELLS
    assert [(cell.labels, cell.wanted, cell.round) for cell in refill.cells] == [(("negative",), 4, 2)]
    assert (first.ended, refill.ended) == ("", "")


@pytest.mark.parametrize(
    ("accepted", "plan", "elapsed_s", "ended"),
    [
        ({"positive | pets": 10, "negative | pets": 12}, {}, 0.0, "filled"),
        ({"positive | pets": 10}, {"rounds": 1}, 0.0, "rounds"),
        ({}, {"max_tokens": 300}, 0.0, "tokens"),
        ({}, {"max_tokens": 305}, 0.0, "tokens"),  # ten tokens a text so far: not one more can be paid for
        ({}, {"max_minutes": 0.5}, 31.0, "time"),
    ],
)
def test_it_ends_when_every_cell_is_full_or_a_budget_has_run_out(accepted, plan, elapsed_s, ended):
    state = with_next_cells(after_a_round(), accepted, config_of(**plan), elapsed_s)

    assert (state.cells, state.ended) == ((), ended)


def test_without_cells_there_is_nothing_to_fill():
    state = QuotaState(planned=(), accepted=EMPTY, pool=EMPTY)

    assert with_next_cells(state, {}, config_of(), 0.0).ended == "filled"


def test_a_round_never_samples_more_than_the_tokens_pay_for():
    config = config_of(max_tokens=200)
    later = with_next_cells(after_a_round(), {}, config_of(max_tokens=420), 0.0)

    assert affordable_texts(START, config) == 10  # at twenty tokens a text, the longest there are
    assert [cell.n_to_sample for cell in with_next_cells(START, {}, config, 0.0).cells] == [5, 5]
    assert sum(cell.n_to_sample for cell in later.cells) == 12  # at ten, as they were


def test_no_round_begins_when_the_time_is_up():
    budget = PlanConfig(max_minutes=0.5)

    assert [spent(START, budget, seconds) for seconds in (0.0, 29.9, 30.0)] == ["", "", "time"]


def test_without_a_budget_only_the_rounds_count():
    assert affordable_texts(START, config_of()) is None
