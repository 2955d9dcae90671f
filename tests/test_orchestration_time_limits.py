"""What hangs fails at its time limit, is not waited for, and is not tried again."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest
from prefect import flow

from tasks.config import RunConfig
from tasks.orchestration.engines import ENGINES
from tasks.orchestration.locking import STOP
from tasks.orchestration.run import open_run
from tasks.orchestration.task_runners import N_THREADS, task_runner
from tasks.pipeline.planning.cells import plan_cells
from tasks.stages.sampling import sample_cells
from tasks.storage.store import ResultsStore


@pytest.fixture
def silent():
    """An endpoint that knows its model and never answers a prompt; yields its address and what was asked."""
    asked, over = [], Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"data": [{"id": "small"}]}')

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if body:  # empty where the caller was stopped before it had sent anything
                asked.append(body)
            over.wait()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1", asked
    over.set()
    server.shutdown()
    STOP.clear()


@flow(task_runner=task_runner())
def sample_all(config: RunConfig) -> None:
    run = open_run(config)
    cells = plan_cells(run.config, run.taxonomy, run.topics)
    assert len(cells) > 2 * N_THREADS
    sample_cells(run, [cell.model_copy(update={"n_to_sample": 1}) for cell in cells], "sample")


def test_cells_whose_engine_hangs_fail_at_their_limit_and_those_behind_them_at_once(
    prefect_api, silent, tmp_path
):
    address, asked = silent
    ResultsStore(root=str(tmp_path)).save("results", overwrite=True)
    config = RunConfig.model_validate(
        {
            "taxonomy": "polarity3",
            "profile": "server",
            "plan": {"texts_per_label": 80, "topics_per_label": 20},
            "generator": {"model": "small", "endpoint": address, "batch_size": 64},
            "limits": {"batch_s": 2},
        }
    )

    with pytest.raises(TimeoutError):
        sample_all(config)

    assert asked
    assert len(set(asked)) == len(asked)  # none is tried again
    # A place that falls free may be taken once more before all are told to stop.
    assert len(asked) <= 2 * N_THREADS
    assert ENGINES == {}
