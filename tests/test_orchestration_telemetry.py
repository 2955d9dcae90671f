"""Runs and tasks are spans, and runs send metrics, wherever OTEL_EXPORTER_OTLP_ENDPOINT points."""

import os
import subprocess
import sys
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from servers import ROOT

pytest.importorskip("opentelemetry.instrumentation.auto_instrumentation", reason="needs sentimill[otel]")
pytestmark = pytest.mark.slow

TWO_TASKS = """
import flows
from prefect import flow
from tasks.orchestration.caching import stage

@stage("double")
def double(n: int) -> int:
    return 2 * n

@flow
def telling():
    return [double.with_options(persist_result=False).submit(n).result() for n in range(2)]

telling()
"""


@pytest.fixture
def collector():
    """An OTLP endpoint; yields its address and what came in, by path."""
    received = defaultdict(bytes)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            received[self.path] += self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()


def test_a_collector_hears_of_runs_tasks_and_memory(collector, tmp_path):
    address, received = collector
    env = {
        **os.environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": address,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "PREFECT_HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "SENTIMILL_RESULTS": str(tmp_path / "results"),
    }
    instrumented = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"
    command = [sys.executable, "-c", instrumented, sys.executable, "-c", TWO_TASKS]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=400)

    assert done.returncode == 0, done.stderr
    assert received["/v1/traces"].count(b"double-") >= 2
    assert b"prefect.run.type" in received["/v1/traces"]
    assert b"process.memory.usage" in received["/v1/metrics"]
