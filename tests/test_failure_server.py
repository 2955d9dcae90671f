"""Servers that restart and machines that go: slots come back, runs are marked."""

import os
import signal
import subprocess
import sys

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
with concurrency("gpu", occupy=1, strict=False, lease_duration=60):
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


def test_a_slot_that_was_held_while_the_server_restarted_comes_back(tmp_path):
    server = Server(tmp_path)
    with server.up():
        server.wait()
        with server.client() as client:
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="gpu", limit=1))
        holder = server.run(HOLDER)
        assert holder.stdout.readline() == "held\n"
    with server.up():
        server.wait()
        holder.communicate("go\n")
        with server.client() as client:
            until("slot", lambda: not client.read_global_concurrency_limit_by_name("gpu").active_slots, 120)


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
