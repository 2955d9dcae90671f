"""The quota loop: what is sampled next, and which budget ends it."""

import time

import pytest

from tasks.config import GeneratorConfig, PlanConfig, RunConfig
from tasks.data.records import Cell
from tasks.orchestration.run import Run, earlier_data
from tasks.stages.planning import affordable_texts, next_round, spent
from tasks.storage.store import write_json
from tasks.taxonomy import load_taxonomy, load_topics

CELLS = [
    Cell(labels=("positive",), topic="pets", wanted=10, n_to_sample=15, round=1, seed=1),
    Cell(labels=("negative",), topic="pets", wanted=10, n_to_sample=15, round=1, seed=2),
]


@pytest.fixture
def run_of(local_store):
    def make(**plan):
        config = RunConfig(plan=PlanConfig(**plan), generator=GeneratorConfig(max_new_tokens=20)).resolved()
        return Run("r", config, config, load_taxonomy("polarity3"), load_topics(), "", None, local_store, ())

    return make


def after_a_round(run, tokens=300):
    """A round that drew 30 texts."""
    run.rounds, run.tokens = run.rounds + 1, run.tokens + tokens
    run.n_sampled.update({cell.key: cell.n_to_sample for cell in CELLS})
    return run


def test_all_cells_come_first_then_those_that_are_short(run_of):
    run = run_of()
    assert next_round(run, CELLS) == CELLS
    refill = next_round(after_a_round(run), CELLS, {"positive | pets": 10, "negative | pets": 6})
    assert [(cell.labels, cell.wanted, cell.round) for cell in refill] == [(("negative",), 4, 2)]
    assert run.ended == ""


def test_it_ends_when_every_cell_is_full(run_of):
    run = after_a_round(run_of())
    assert next_round(run, CELLS, {"positive | pets": 10, "negative | pets": 12}) == []
    assert run.ended == "filled"


def test_it_ends_when_the_rounds_are_used_up(run_of):
    run = after_a_round(run_of(rounds=1))
    assert next_round(run, CELLS, {"positive | pets": 10}) == []
    assert run.ended == "rounds"


def test_it_ends_when_the_tokens_are_spent(run_of):
    run = after_a_round(run_of(max_tokens=300))
    assert next_round(run, CELLS, {}) == []
    assert run.ended == "tokens"


def test_it_ends_when_not_one_more_text_can_be_paid_for(run_of):
    run = after_a_round(run_of(max_tokens=305))  # ten tokens a text so far
    assert next_round(run, CELLS, {}) == []
    assert run.ended == "tokens"


def test_a_round_never_draws_more_than_the_tokens_pay_for(run_of):
    run = run_of(max_tokens=200)
    assert affordable_texts(run) == 10  # at twenty tokens a text, the longest there are
    assert [cell.n_to_sample for cell in next_round(run, CELLS)] == [5, 5]
    run = after_a_round(run_of(max_tokens=420))
    assert sum(cell.n_to_sample for cell in next_round(run, CELLS, {})) == 12  # at ten, as they were


def test_no_round_begins_when_the_time_is_up(run_of):
    run = run_of(max_minutes=0.5)
    assert spent(run) == ""
    run.started = time.monotonic() - 31
    assert spent(run) == "time"


def test_without_a_budget_only_the_rounds_count(run_of):
    assert affordable_texts(run_of()) is None


def test_only_complete_runs_of_the_same_taxonomy_count_as_earlier(local_store):
    for name, taxonomy, created in (
        ("b", "ekman", "2026-01-02"),
        ("a", "ekman", "2026-01-03"),
        ("c", "x", "9"),
    ):
        for part in ("train", "validation", "test"):
            local_store.write_path(f"runs/{name}/dataset/{part}.parquet", name.encode())
        write_json(
            local_store, f"runs/{name}/scores.json", {"taxonomy": {"name": taxonomy}, "created": created}
        )
    local_store.write_path("runs/broken/dataset/train.parquet", b"")

    def names(n_runs):
        return sorted({ref.uri.split("/")[1] for ref in earlier_data(local_store, "ekman", n_runs)})

    assert [names(0), names(1), names(2), names(9)] == [[], ["a"], ["a", "b"], ["a", "b"]]
    assert len(earlier_data(local_store, "ekman", 1)) == 3
