"""Servers that restart and machines that go: slots come back, runs are marked, nothing is lost."""

import hashlib
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.settings import PREFECT_API_URL, temporary_settings
from servers import PREFECT, ROOT, answers, free_port, running, until

from deployments.automations import no_heartbeat

pytestmark = pytest.mark.slow

HOLDER = """
import sys
from prefect.concurrency.sync import concurrency
with concurrency("one", occupy=1, strict=False, lease_duration=60):
    print("held", flush=True)
    sys.stdin.readline()
"""
FLOW = """
import time
from prefect import flow
@flow
def waiting():
    print("started", flush=True)
    time.sleep(600)
waiting()
"""


class Server:
    """A server that can be stopped and started again, with the settings that we ship."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        lines = (ROOT / "deployments/server.env").read_text().splitlines()
        shipped = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        self.env = {**os.environ, "PREFECT_HOME": str(folder), "PREFECT_API_URL": self.url, **shipped}

    def up(self):
        command = [*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        return running(command, self.folder / "server.log", self.env)

    @contextmanager
    def killed_at_the_end(self):
        with self.up() as process:
            self.wait()
            yield
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def wait(self):
        until("server", lambda: answers(f"{self.url}/health"), 300)

    def client(self) -> SyncPrefectClient:
        with temporary_settings({PREFECT_API_URL: self.url}):
            return get_client(sync_client=True)

    def run(self, code, **env):
        return subprocess.Popen(
            [sys.executable, "-c", code],
            env={**self.env, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


SMALL = """--taxonomy polarity3 --plan.texts-per-label 6 --plan.topics restaurants,films --plan.rounds 1
    --generator.batch-size 4 --training.epochs 1 --verifying.folds 2""".split()


def regenerate(results, env):
    """The command that a user types."""
    return subprocess.Popen(
        [sys.executable, "-m", "tasks.cli", "run", *SMALL],
        cwd=ROOT,
        env={**env, "SENTIMILL_RESULTS": str(results)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def once_sampling(process, results):
    def begun():
        assert process.poll() is None, process.stdout.read()
        return list((results / "cache").glob("sample-cell-*"))

    until("first texts", begun, 300, 0.02)


def outcome(results):
    """sha256 of the newest run's rows and weights."""
    run = max((results / "runs").iterdir(), key=lambda folder: folder.stat().st_mtime)
    files = [*sorted((run / "dataset").glob("*.parquet")), run / "model" / "model.safetensors"]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What a run leaves that nothing disturbs, and that needs no server."""
    folder = tmp_path_factory.mktemp("undisturbed")
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_API")}
    process = regenerate(folder, {**env, "PREFECT_HOME": str(folder / "home")})
    said = process.communicate()[0]
    assert process.returncode == 0, said
    return outcome(folder)


def test_a_run_whose_server_restarts_ends_as_if_nothing_had_been(tmp_path, undisturbed):
    server, results = Server(tmp_path), tmp_path / "results"
    with server.killed_at_the_end():
        process = regenerate(results, server.env)
        once_sampling(process, results)
    with server.up():
        said = process.communicate()[0]

    assert process.returncode == 0, said
    assert outcome(results) == undisturbed


def test_a_run_whose_server_stays_away_says_so_and_the_same_command_ends_it(tmp_path, undisturbed):
    server, results = Server(tmp_path), tmp_path / "results"
    with server.killed_at_the_end():
        process = regenerate(results, server.env)
        once_sampling(process, results)
    said = process.communicate()[0]
    before = {file.name: file.stat().st_mtime_ns for file in (results / "cache").glob("sample-cell-*")}

    assert process.returncode == 2, said
    assert said.count("sentimill: ") == 1
    assert "the Prefect server does not answer (ConnectError); expected it for the whole run." in said
    assert "Traceback" not in said

    with server.up():
        server.wait()
        again = regenerate(results, server.env)
        assert again.communicate()[0]
    assert again.returncode == 0
    assert outcome(results) == undisturbed
    assert {name: (results / "cache" / name).stat().st_mtime_ns for name in before} == before


def test_a_slot_that_was_held_while_the_server_restarted_comes_back(tmp_path):
    # Deployments run one at a time by such slots; deployments/server.env says where they are kept.
    server = Server(tmp_path)
    with server.up():
        server.wait()
        with server.client() as client:
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="one", limit=1))
        holder = server.run(HOLDER)
        assert holder.stdout.readline() == "held\n"
    with server.up():
        server.wait()
        holder.communicate("go\n")
        with server.client() as client:
            until("slot", lambda: not client.read_global_concurrency_limit_by_name("one").active_slots, 120)


def test_a_run_whose_machine_is_gone_is_marked_crashed(tmp_path):
    server = Server(tmp_path)
    with server.up():
        server.wait()
        with server.client() as client:
            client.create_automation(no_heartbeat(30))
            run = server.run(FLOW, PREFECT_FLOWS_HEARTBEAT_FREQUENCY="30")
            assert run.stdout.readline() == "started\n"
            (flow_run,) = client.read_flow_runs()
            until("first beat", lambda: client.read_flow_run(flow_run.id).state.is_running(), 60)
            run.send_signal(signal.SIGKILL)
            run.communicate()
            until("mark", lambda: client.read_flow_run(flow_run.id).state.is_crashed(), 300)
            message = client.read_flow_run(flow_run.id).state.message

    assert message.startswith("no heartbeat for 90 s; expected one every 30 s.")
