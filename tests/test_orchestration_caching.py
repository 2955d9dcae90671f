"""Cache keys name what decides a result, the same in every process; a damaged result is made anew."""

import errno
import hashlib
import json
import os
import subprocess
import sys
from enum import Enum
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from pkgutil import iter_modules
from time import sleep
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest
from prefect import Task, flow
from prefect.states import Failed
from prefect.task_engine import TaskRunTimeoutError
from prefect.task_runners import ThreadPoolTaskRunner

from tasks import stages
from tasks.config import MixingConfig, PlanConfig, RunConfig, SplitConfig
from tasks.data.records import Cell, FilterResult
from tasks.data.references import BlobRef, DatasetRef, FilterRefs, ModelRef, RealRef
from tasks.orchestration import caching
from tasks.orchestration.caching import StageKey, digest, is_transient, run_cached, stage
from tasks.stages.balancing import balance_task
from tasks.stages.cleaning import clean_task, collect_texts_task
from tasks.stages.real_data import mix_task
from tasks.stages.scrubbing import scrub_task
from tasks.storage.connection import open_store
from tasks.storage.parquet import parquet_bytes
from tasks.storage.store import ResultsStore
from tasks.taxonomy import load_taxonomy

MODULES = [
    import_module(f"tasks.stages.{found.name}")
    for found in iter_modules(stages.__path__)
    if found.name != "champion_audit"
]
"""An audit measures the champion as it is today: nothing of it is cached."""
STAGES = {task.name: task for module in MODULES for task in vars(module).values() if isinstance(task, Task)}
REF = DatasetRef(uri="data/a.parquet", sha256="a" * 64, n_rows=3)
KEYS = """
import json
from pathlib import Path
from tasks.config import MixingConfig, PlanConfig, RunConfig
from tasks.data.records import Cell
from tasks.data.references import DatasetRef
from tasks.orchestration.caching import digest
from tasks.taxonomy import load_taxonomy
cell = Cell(labels=("joy", "fear"), topic="soup", wanted=1, n_to_sample=2, round=1, seed=3)
config = RunConfig(plan=PlanConfig(topics=["soup"], topics_file=Path("own.yaml"))).resolved()
ref = DatasetRef(uri="data/a.parquet", sha256="a" * 64, n_rows=3)
keys = [digest(config), digest(load_taxonomy("ekman")), digest(ref, (cell,), {"b": 1, "a": [2.5]})]
print(json.dumps(keys))
"""


def key(task, **inputs):
    return task.cache_policy.compute_key(SimpleNamespace(task=task), inputs, {})


def test_keys_are_the_same_in_every_process():
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", KEYS],
            cwd=Path(__file__).parent.parent,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    first, second = (json.loads(run.communicate()[0]) for run in runs)
    cell = Cell(labels=("joy", "fear"), topic="soup", wanted=1, n_to_sample=2, round=1, seed=3)
    config = RunConfig(plan=PlanConfig(topics=["soup"], topics_file=Path("own.yaml"))).resolved()
    here = [digest(config), digest(load_taxonomy("ekman")), digest(REF, (cell,), {"a": [2.5], "b": 1})]

    assert first == second == here
    assert len(set(here)) == 3


def test_every_stage_is_cached_under_a_name_of_its_own():
    assert set(STAGES) == {
        "scrub-report",
        "predict",
        "ablation-rare",
        "ablation-rows",
        "ablation-test",
        "sample-cell",
        "reference-texts",
        "clean",
        "scrub",
        "generator-likelihood",
        "judge",
        "fit-real-data-model",
        "verify",
        "balance-split",
        "load-real-data",
        "mix",
        "review",
        "train",
        "calibrate",
        "divide-into-folds",
        "evaluation-tests",
        "rival",
        "evaluate",
        "out-of-scope",
        "negatives",
        "read-unlabelled",
        "human-texts",
        "guess-labels",
        "label-by-votes",
        "drift-reference",
        "audit-fairness",
        "counterfactuals",
        "generator-bias",
        "annotate",
        "tune-generator",
        "measure-generator",
    }
    for task in STAGES.values():
        assert isinstance(task.cache_policy, StageKey)
        assert task.result_serializer == "json"
        assert task.cache_result_in_memory is False
    assert len({key(task, rows=REF) for task in STAGES.values()}) == len(STAGES)


def test_stages_take_their_inputs_by_name():
    for task in STAGES.values():
        kinds = {parameter.kind for parameter in signature(task.fn).parameters.values()}
        assert kinds == {Parameter.KEYWORD_ONLY}, task.name


def test_a_key_says_which_stage_it_is_of():
    name, digits = key(scrub_task, rows=REF).rsplit("-", 1)

    assert name == "cache/scrub"
    assert len(digits) == 32


@pytest.mark.parametrize(
    "change",
    [
        {"rows": REF.model_copy(update={"sha256": "b" * 64})},
        {"split": SplitConfig(test=0.2)},
        {"seed": 1},
        {"more": None},
    ],
)
def test_a_key_differs_when_anything_differs(change):
    inputs = {"rows": REF, "split": SplitConfig(), "seed": 0}

    assert key(balance_task, **inputs) == key(balance_task, **dict(reversed(inputs.items())))
    assert key(balance_task, **inputs) != key(balance_task, **(inputs | change))


def test_a_key_differs_when_the_code_of_the_stage_does_and_not_when_its_docstring_does():
    def plain(n: int) -> int:
        return n

    def same(n: int) -> int:
        """The number."""
        return n  # unchanged

    def other(n: int) -> int:
        return n + 1

    keys = [key(stage("work")(function), n=1) for function in (plain, same, other)]

    assert keys[0] == keys[1]
    assert keys[0] != keys[2]


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (1, True), (1, "1"), (None, "None"), ([], {}), ("a", ["a"]), (0.1, 0.2)]
)
def test_values_that_are_not_the_same_have_keys_that_are_not_the_same(one, other):
    assert digest(one) != digest(other)


def test_lists_and_tuples_are_the_same_as_they_are_in_json():
    assert digest((1, 2)) == digest([1, 2])


def test_an_enum_counts_by_its_value_and_a_path_by_its_text():
    class Colour(Enum):
        red = "red"

    assert digest(Colour.red) == digest("red")
    assert digest(Path("a/b.yaml")) == digest("a/b.yaml")


def test_looking_a_label_up_does_not_change_a_taxonomys_key():
    taxonomy = load_taxonomy("ekman")
    before = digest(taxonomy)
    taxonomy.level_of(["joy"])
    assert taxonomy.index["joy"] == 3

    assert digest(taxonomy) == before


@pytest.mark.parametrize(
    "value", [{1, 2}, frozenset("ab"), b"bytes", object(), np.zeros(2), np.int64(1), len, [{"a": {1}}]]
)
def test_what_has_no_stable_key_is_refused(value):
    kind = type(value if not isinstance(value, list) else {1}).__name__
    with pytest.raises(TypeError) as caught:
        digest(value)
    assert str(caught.value) == (
        f"input of a stage is a {kind}; expected a configuration, a record, a path or a plain value, which "
        "have the same cache key in every process. Pass a ref to it instead."
    )


def test_what_a_result_points_at_is_found_however_deep():
    model = ModelRef(uri="models/m", sha256="c" * 64)

    assert caching._refs(REF) == [REF]
    assert caching._refs(FilterRefs(kept=REF, rejects=REF)) == [REF, REF]
    assert caching._refs(model) == [model]
    assert caching._refs(RealRef(source="x", sha256="d" * 64)) == []
    assert caching._refs(3) == []
    assert caching._refs([REF, (model, {"a": REF}), "data/a.parquet"]) == [REF, model, REF]


@pytest.fixture
def block(prefect_api, tmp_path):
    """The block `results` of the test server, in a folder of the test's own."""
    store = ResultsStore(root=str(tmp_path / "results"))
    store.save("results", overwrite=True)
    return store


@pytest.mark.parametrize("damage", [None, "delete", "change", "truncate"])
def test_a_result_comes_from_the_cache_only_while_its_rows_are_intact(block, make_row, damage):
    calls = []

    @stage("put-rows")
    def put(n: int) -> DatasetRef:
        calls.append(n)
        return open_store().put_rows([make_row(id=str(i)) for i in range(n)])

    ref = run_cached(block, put, 3)
    path = Path(block.root) / ref.uri
    if damage == "delete":
        path.unlink()
    elif damage == "change":
        path.write_bytes(path.read_bytes()[::-1])
    elif damage == "truncate":
        path.write_bytes(b"")

    assert run_cached(block, put, 3) == ref
    assert calls == ([3] if damage is None else [3, 3])
    assert len(block.get_rows(ref)) == 3
    assert run_cached(block, put, 3) == ref
    assert len(calls) == (1 if damage is None else 2)


@pytest.mark.parametrize("shape", [list, tuple, dict])
def test_a_result_made_of_many_refs_is_made_anew_when_one_has_lost_its_rows(block, make_row, shape):
    calls = []

    @stage(f"put-{shape.__name__}")
    def put(n: int) -> Any:
        calls.append(n)
        refs = [open_store().put_rows([make_row(id=str(i))]) for i in range(n)]
        return dict(enumerate(refs)) if shape is dict else shape(refs)

    run_cached(block, put, 3)
    Path(block.root, caching._refs(run_cached(block, put, 3))[1].uri).unlink()
    assert calls == [3]
    again = run_cached(block, put, 3)

    assert calls == [3, 3]
    assert all(block.intact(ref) for ref in caching._refs(again))


def test_a_result_that_could_not_be_written_is_a_failed_stage(block):
    (Path(block.root)).mkdir()
    (Path(block.root) / "cache").write_text("a file where a folder should be")

    @stage("answer")
    def answer(n: int) -> int:
        return n

    with pytest.raises(OSError, match="not in the results block") as caught:
        run_cached(block, answer, 42)
    key = answer.cache_policy.compute_key(SimpleNamespace(task=answer), {"n": 42}, {})
    assert str(caught.value) == (
        f"result {key} is not in the results block at {block.root}; expected it after answer. See that the "
        "block can be written and has room, then give the same command again."
    )


def test_every_stage_has_a_time_limit_and_is_tried_again_only_where_it_meets_the_outside():
    assert all(task.timeout_seconds > 0 for task in STAGES.values())
    assert {name for name, task in STAGES.items() if task.retries} == {
        "sample-cell",
        "reference-texts",
        "judge",
        "load-real-data",
        "read-unlabelled",
        "human-texts",
        "rival",
        "train",
        "tune-generator",
    }
    for task in STAGES.values():
        assert (task.retry_jitter_factor or 0) == (0.5 if task.retries else 0)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (ConnectionError("refused"), True),
        (TimeoutError("late"), True),
        (httpx.ReadTimeout("late"), True),
        (OSError("We couldn't connect to the hub."), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (PermissionError(errno.EACCES, "Permission denied"), False),
        (FileNotFoundError("none.parquet"), False),
        (ValueError("a is 1; expected 2."), False),
        (TaskRunTimeoutError(), False),
    ],
)
def test_what_may_pass_is_the_network_and_not_a_file_the_disk_or_a_value(error, passes):
    assert is_transient(None, None, Failed(data=error)) is passes


def test_a_stage_that_fails_for_a_moment_is_tried_again_and_one_that_cannot_work_is_not(block, monkeypatch):
    monkeypatch.setitem(caching.RETRIES, "retry_delay_seconds", 0.01)
    calls = []

    @stage("fetch", retry_on_network_error=True)
    def fetch(errors: int, kind: str) -> int:
        calls.append(kind)
        if calls.count(kind) <= errors:
            raise {"network": ConnectionError, "value": ValueError}[kind](kind)
        return calls.count(kind)

    assert run_cached(block, fetch, 2, "network") == 3
    with pytest.raises(ValueError, match="value"):
        run_cached(block, fetch, 1, "value")
    assert calls == ["network"] * 3 + ["value"]


def test_two_threads_that_want_one_result_make_it_once(block):
    calls = []

    @stage("slow")
    def slow(n: int) -> int:
        calls.append(n)
        sleep(0.3)
        return n

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
    def two() -> list[int]:
        task = slow.with_options(result_storage=block)
        return [future.result() for future in [task.submit(1), task.submit(1)]]

    assert two() == [1, 1]
    assert calls == [1]


def test_results_of_stages_lie_in_the_block(block, make_row):
    ref = block.put_rows([make_row()])
    run_cached(block, scrub_task, rows=ref, scrubbing=RunConfig().scrubbing)

    assert [p.name.rsplit("-", 1)[0] for p in (Path(block.root) / "cache").iterdir()] == ["scrub"]


def test_a_stage_that_fails_says_so_and_leaves_no_result(block):
    @stage("fail")
    def fail(n: int) -> int:
        raise ValueError(f"n is {n}; expected more.")

    with pytest.raises(ValueError, match=r"n is 1; expected more\."):
        run_cached(block, fail, 1)
    assert not (Path(block.root) / "cache").exists()


@pytest.mark.parametrize(
    ("fraction", "n_max", "n_real", "n_validation"),
    [(0.5, None, 20, 2), (0.2, None, 5, 0), (0.5, 10, 10, 1), (1.0, None, 50, 5), (0.9, None, 50, 5)],
)
def test_real_rows_are_mixed_in_at_the_requested_fraction(
    block, make_row, fraction, n_max, n_real, n_validation
):
    synthetic = block.put_rows([make_row(id=f"s{i}", split="train") for i in range(20)])
    real = block.put_rows([make_row(id=f"r{i}", source="real", split="train") for i in range(50)])
    config = MixingConfig(real_fraction=fraction, max_real_rows=n_max)
    mixed = block.get_rows(
        mix_task.fn(synthetic=synthetic, real=real, mixing=config, split=SplitConfig(), seed=0)
    )
    added = [row for row in mixed if row["source"] == "real"]

    assert [row["id"] for row in mixed[:20]] == [f"s{i}" for i in range(20)]
    assert len({row["id"] for row in added}) == len(added) == n_real
    assert sum(row["split"] == "validation" for row in added) == n_validation
    assert {row["split"] for row in added} <= {"train", "validation"}
    (weight,) = {row["weight"] for row in added if row["split"] == "train"}
    assert weight == pytest.approx(max(1.0, 20 / (n_real - n_validation)))
    assert {row["weight"] for row in mixed if row["source"] != "real" or row["split"] != "train"} == {1.0}


def test_without_cells_there_is_nothing_to_divide(block):
    found = balance_task.fn(
        rows=block.put_rows([]),
        cells=(),
        split=SplitConfig(),
        seed=0,
        taxonomy=load_taxonomy("ekman"),
        similarity=0.7,
        mixed_sentiment_fraction=0.1,
    )

    assert (found.kept.n_rows, found.rejects.n_rows) == (0, 0)


def clean(block, rows, others):
    return clean_task.fn(
        texts=(rows,),
        seen=block.put_rows([]),
        others=others,
        cleaning=RunConfig().cleaning,
        judges_toxicity=False,
    )


def test_a_new_text_repeats_neither_people_nor_an_earlier_run_and_copies_no_test(block, make_row, tmp_path):
    said = "The harbour was full of boats that nobody had sailed for years"
    (tmp_path / "train.csv").write_text("sentence,score\nThe soup was truly wonderful today .,0.9\n")
    (tmp_path / "dev.csv").write_text(f"sentence,score\n{said} .,0.5\n")
    block.write_path(
        "runs/one/dataset/train.parquet", parquet_bytes([make_row("My old dog barks at the moon.")])
    )
    earlier = hashlib.sha256(block.read_path("runs/one/dataset/train.parquet")).hexdigest()
    others = collect_texts_task.fn(
        real=RealRef(source=str(tmp_path), sha256="a" * 64),
        earlier=(BlobRef(uri="runs/one/dataset/train.parquet", sha256=earlier),),
    )
    texts = [
        "The soup was truly wonderful, today!",
        "My old dog barked at the moon.",
        f"I think {said.lower()}.",
        "We loved the bread.",
    ]
    rows = block.put_rows([make_row(text, id=str(i)) for i, text in enumerate(texts)])
    found = clean(block, rows, others)

    assert [row["id"] for row in block.get_rows(found.kept)] == ["3"]
    assert [(r["row"]["id"], r["reason"]) for r in block.get_rejects(found.rejects)] == [
        ("2", "copied from test"),
        ("0", "exact duplicate of known text"),
        ("1", "near duplicate of known text"),
    ]


def test_what_is_put_in_comes_out_kept_or_rejected(block, make_row):
    rows = [make_row("We liked the soup.", id="a"), make_row("No.", id="b")]
    others = collect_texts_task.fn(real=None, earlier=())
    found = clean(block, block.put_rows(rows), others)
    kept, rejects = block.get_rows(found.kept), block.get_rejects(found.rejects)

    assert [row["id"] for row in kept] == ["a"]
    assert [r["row"]["id"] for r in rejects] == ["b"]
    assert FilterResult(kept, rejects).counts() == {"cleaning: too short": 1}
