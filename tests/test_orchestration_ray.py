"""Cells on a Ray cluster of two nodes, one of which is lost; needs `sentimill[ray]`."""

import threading
import time
from pathlib import Path

import pytest

from tasks.stages import sampling as stages

pytest.importorskip("prefect_ray")

import ray
from prefect import flow
from ray.cluster_utils import Cluster

from tasks.config import RunConfig
from tasks.data.records import Cell
from tasks.orchestration import run as runs
from tasks.orchestration.task_runners import RAY, task_runner
from tasks.storage.store import ResultsStore

N_CELLS = 24


@pytest.fixture
def cluster(monkeypatch):
    """Two nodes on this machine, with a results block that both reach."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    yield made
    ray.shutdown()
    made.shutdown()


def _texts(folder, runner):
    ResultsStore(root=str(folder)).save("results", overwrite=True)

    @flow(task_runner=runner)
    def sample_cells():
        run = runs.open_run(RunConfig())
        topics = list(run.topics.by_name)
        cells = [
            Cell(labels=("positive",), topic=topics[i % 10], wanted=4, n_to_sample=4, round=1, seed=i)
            for i in range(N_CELLS)
        ]
        texts = stages.sample_cells(run, cells, "sample")
        return [row["text"] for ref in texts.refs for row in run.store.get_rows(ref)]

    return sample_cells()


@pytest.mark.slow
def test_a_lost_worker_loses_no_cell(prefect_api, cluster, monkeypatch, tmp_path):
    second = cluster.add_node(num_cpus=1)
    monkeypatch.setenv(RAY, cluster.address)
    cache, done = tmp_path / "results" / "cache", []

    def kill_second_when_under_way():
        while len(found := list(cache.glob("sample-cell-*"))) < 2:
            time.sleep(0.1)
        done.extend(found)
        cluster.remove_node(second, allow_graceful=False)

    killer = threading.Thread(target=kill_second_when_under_way)
    killer.start()
    on_ray = _texts(tmp_path / "results", task_runner())
    killer.join()
    assert len(done) < N_CELLS
    assert cluster.list_all_nodes() == [cluster.head_node]

    monkeypatch.delenv(RAY)
    assert len(on_ray) == 4 * N_CELLS
    assert on_ray == _texts(tmp_path / "alone", task_runner())
