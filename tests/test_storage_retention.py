"""Old runs go, with what only they needed; champions and what they refer to never do."""

import json
import os
from pathlib import Path

import pytest

from tasks.data.references import ModelRef
from tasks.storage.retention import kept_runs, prune

DAY_S = 86_400.0
LONG_AGO = 1_000_000.0
NOW = LONG_AGO + 100 * DAY_S


@pytest.fixture
def add_run(local_store, make_row):
    """Put a finished run into the block: a data set, a model, two results, all written long ago."""

    def add(name, champion=False):
        rows = local_store.put_rows([make_row(id=name)])
        folder = Path(local_store.root).parent / name
        folder.mkdir()
        (folder / "weights.bin").write_bytes(name.encode())
        model = local_store.put_folder(folder)
        for step, ref in (("scrub", rows), ("train", model)):
            local_store.write_path(
                f"cache/{step}-{name}", json.dumps({"result": ref.model_dump_json()}).encode()
            )
        results = [f"cache/scrub-{name}", f"cache/train-{name}"]
        local_store.write_path(f"runs/{name}/results.json", json.dumps(results).encode())
        local_store.write_path(f"runs/{name}/scores.json", b"{}")
        if champion:
            entry = {"joy": {"run": name, "model": model.model_dump()}}
            local_store.write_path("champion.json", json.dumps(entry).encode())
        age(local_store)
        return rows, model

    return add


def age(store, when=LONG_AGO):
    for path in Path(store.root).rglob("*"):
        os.utime(path, (when, when))


def files(store):
    return {p.relative_to(store.root).as_posix() for p in Path(store.root).rglob("*") if p.is_file()}


def test_the_newest_runs_stay_with_all_that_they_need(local_store, add_run):
    refs = [add_run(f"joy-embedded-2026010{day}-000000-aaaa") for day in range(1, 5)]
    pruned = prune(local_store, 2, DAY_S, NOW)

    assert pruned.runs == ["joy-embedded-20260103-000000-aaaa", "joy-embedded-20260104-000000-aaaa"]
    assert [local_store.intact(ref) for pair in refs for ref in pair] == [False] * 4 + [True] * 4
    assert {path.split("-")[-3] for path in files(local_store) if path.startswith(("cache", "runs"))} == {
        "20260103",
        "20260104",
    }
    assert not any("2026010" in path and path[-1] in "12" for path in pruned.runs)
    assert {p.name for p in Path(local_store.root, "runs").iterdir()} == set(pruned.runs)


def test_the_champion_stays_however_old_it_is(local_store, add_run):
    champion = add_run("joy-embedded-20250101-000000-aaaa", champion=True)
    for day in range(1, 4):
        add_run(f"joy-embedded-2026010{day}-000000-aaaa")
    before = files(local_store)
    pruned = prune(local_store, 1, DAY_S, NOW)

    assert pruned.runs == ["joy-embedded-20250101-000000-aaaa", "joy-embedded-20260103-000000-aaaa"]
    assert all(local_store.intact(ref) for ref in champion)
    assert {path for path in before if "20250101" in path} <= files(local_store)
    assert "champion.json" in files(local_store)


def test_the_champions_model_stays_even_when_its_run_is_damaged(local_store, add_run):
    _, model = add_run("joy-embedded-20250101-000000-aaaa", champion=True)
    add_run("joy-embedded-20260101-000000-aaaa")
    Path(local_store.root, "runs/joy-embedded-20250101-000000-aaaa/results.json").unlink()
    prune(local_store, 1, DAY_S, NOW)

    assert local_store.intact(model)


def test_rows_that_an_old_and_a_new_run_share_stay(local_store, add_run, make_row):
    add_run("joy-embedded-20250101-000000-aaaa")
    add_run("joy-embedded-20260101-000000-aaaa")
    shared = local_store.put_rows([make_row(id="shared")])
    for day in ("20250101", "20260101"):
        name = f"joy-embedded-{day}-000000-aaaa"
        local_store.write_path(f"cache/scrub-{name}", shared.model_dump_json().encode())
    age(local_store)
    prune(local_store, 1, DAY_S, NOW)

    assert local_store.intact(shared)


def test_what_was_written_within_the_grace_stays_for_a_run_under_way(local_store, add_run, make_row):
    add_run("joy-embedded-20260101-000000-aaaa")
    fresh = local_store.put_rows([make_row(id="fresh")])
    local_store.write_path("cache/sample-cell-fresh", fresh.model_dump_json().encode())
    local_store.write_path("runs/joy-embedded-20260102-000000-bbbb/report.html", b"half published")
    local_store.scratch("train-1").joinpath("current").write_text("state-7")
    kept = prune(local_store, 1, DAY_S)  # by the clock: written a moment ago

    assert kept.runs == ["joy-embedded-20260101-000000-aaaa"]
    assert {"cache/sample-cell-fresh", "scratch/train-1/current"} <= files(local_store)
    assert "runs/joy-embedded-20260102-000000-bbbb/report.html" in files(local_store)

    age(local_store)
    prune(local_store, 1, DAY_S, NOW)
    assert not {path for path in files(local_store) if "fresh" in path or "bbbb" in path or "train-1" in path}
    assert not local_store.intact(fresh)


def test_nothing_goes_while_there_are_no_more_runs_than_stay(local_store, add_run):
    add_run("joy-embedded-20260101-000000-aaaa")
    before = files(local_store)

    assert prune(local_store, 14, DAY_S, NOW).removed == []
    assert files(local_store) == before


def test_an_empty_block_is_pruned_to_an_empty_block(local_store):
    assert prune(local_store, 14, DAY_S, NOW) == ([], [])


def test_runs_are_new_by_the_date_in_their_names_and_complete_with_scores():
    files = [
        "runs/b-embedded-20260101-000000-aaaa/scores.json",
        "runs/a-embedded-20260301-000000-aaaa/scores.json",
        "runs/c-embedded-20260201-000000-aaaa/scores.json",
        "runs/d-embedded-20260401-000000-aaaa/report.html",
        "runs/e-embedded-20260401-000000-aaaa/model/scores.json",
    ]

    assert kept_runs(files, [], 2) == ["a-embedded-20260301-000000-aaaa", "c-embedded-20260201-000000-aaaa"]
    assert kept_runs(files, ["z"], 1) == ["a-embedded-20260301-000000-aaaa", "z"]


def test_a_model_without_any_ref_to_it_goes(local_store, tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "weights.bin").write_bytes(b"1")
    ref = local_store.put_folder(tmp_path / "m")
    age(local_store)
    prune(local_store, 1, DAY_S, NOW)

    assert not local_store.intact(ref)
    assert not local_store.intact(ModelRef(uri=ref.uri, sha256=ref.sha256))
    assert not Path(local_store.uri(ref.uri)).exists()
