"""What a run is called, which runs came before it, and what it puts on its account."""

from datetime import UTC, datetime

import pytest

from tasks.data.plan_scores import Round
from tasks.data.references import DatasetRef
from tasks.orchestration import run as runs
from tasks.orchestration.ledger import RunLedger
from tasks.orchestration.run import earlier_data, run_name
from tasks.pipeline.sampling.throughput import RoundThroughput
from tasks.storage.store import write_json


@pytest.fixture
def clock(monkeypatch):
    """A clock that shows what it is told to show."""

    class Clock(datetime):
        shown = datetime(2026, 11, 20, 15, 16, 23, tzinfo=UTC)

        @classmethod
        def now(cls, tz=None):
            return cls.shown

    monkeypatch.setattr(runs, "datetime", Clock)
    return Clock


def test_runs_that_begin_in_the_same_second_have_names_of_their_own(clock):
    first, second = run_name("ekman", "embedded"), run_name("ekman", "embedded")

    assert first.startswith("ekman-embedded-20261120-151623-")
    assert second.startswith("ekman-embedded-20261120-151623-")
    assert len({first, second}) == 2
    assert len(first.rsplit("-", 1)[1]) == 8


def test_a_clock_that_jumps_back_to_a_time_that_was_gives_no_name_twice(clock):
    names = [run_name("ekman", "embedded")]
    clock.shown = datetime(2026, 11, 20, 16, 0, 0, tzinfo=UTC)
    names.append(run_name("ekman", "embedded"))
    clock.shown = datetime(2026, 11, 20, 15, 16, 23, tzinfo=UTC)
    names.append(run_name("ekman", "embedded"))

    assert len(set(names)) == 3


def test_only_complete_runs_of_the_same_taxonomy_count_as_earlier(local_store):
    for name, taxonomy, created in (
        ("b", "ekman", "2026-01-02"),
        ("a", "ekman", "2026-01-03"),
        ("c", "x", "9"),
    ):
        parts = {part: f"{name}{part}" for part in ("train", "validation", "test")}
        scores = {"taxonomy": {"name": taxonomy}, "created": created, "parts": parts}
        write_json(local_store, f"runs/{name}/scores.json", scores)
    local_store.write_path("runs/broken/dataset/train.parquet", b"")

    def names(n_runs):
        return sorted({ref.uri.split("/")[1] for ref in earlier_data(local_store, "ekman", n_runs)})

    assert [names(0), names(1), names(2), names(9)] == [[], ["a"], ["a", "b"], ["a", "b"]]
    assert [(ref.uri, ref.sha256) for ref in earlier_data(local_store, "ekman", 1)] == [
        (f"runs/a/dataset/{part}.parquet", f"a{part}") for part in ("train", "validation", "test")
    ]


REF = DatasetRef(uri="data/a.parquet", sha256="a" * 64, n_rows=1)
OTHER = DatasetRef(uri="data/b.parquet", sha256="b" * 64, n_rows=2)
THIRD = DatasetRef(uri="data/c.parquet", sha256="c" * 64, n_rows=3)


def test_a_ledger_sums_times_by_stage_and_counts_the_same_rejects_once():
    ledger = RunLedger()
    for stage, seconds in (("train", 1.0), ("scrub", 2.0), ("train", 0.5)):
        ledger.add_time(stage, seconds)
    for rejects in (REF, OTHER, REF):
        ledger.add_rejects(rejects)
    ledger.add_results(["cache/a", "cache/b"])

    assert ledger.timings == {"train": 1.5, "scrub": 2.0}
    assert ledger.rejects == (REF, OTHER)
    assert ledger.results == ("cache/a", "cache/b")


def test_of_what_verification_dropped_only_the_last_rounds_verdict_counts():
    ledger, throughput = RunLedger(), RoundThroughput(n_cells=1)
    ledger.add_rejects(REF)
    for number, disputed in ((1, OTHER), (2, THIRD)):
        state = Round(number=number, n_sampled=9, accepted=number, missing=0, tokens=50)
        ledger.add_round(state, throughput, disputed)

    assert ledger.rejects == (REF, THIRD)
    assert [state.accepted for state in ledger.rounds] == [1, 2]
    assert ledger.throughput == (throughput, throughput)
