"""Servers of killed runs are ended by the next run; those of living runs, and all else, are left alone."""

import os
import subprocess
import sys

import psutil
import pytest

from tasks.orchestration import orphaned_servers
from tasks.orchestration.orphaned_servers import terminate_orphaned_servers

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
# The variable of these tests, so that no server of another run on this machine is ended.
OWNER = f"SENTIMILL_TEST_{os.getpid()}"
# Starts a process that it owns, prints its number, and ends.
PARENT = """
import os, psutil, subprocess, sys
mark = f"{os.getpid()}@{psutil.Process().create_time():.2f}"
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, env={**os.environ, "%s": mark})
print(child.pid, flush=True)
"""


@pytest.fixture
def start(monkeypatch):
    """Start a process that looks like a server, or does not, with an owner that lives, or does not."""
    monkeypatch.setattr(orphaned_servers, "OWNER", OWNER)
    monkeypatch.setenv(OWNER, "")
    started = []

    def launch(name, orphaned, owner=None):
        command = [*SLEEPER, name]
        if orphaned:
            said = subprocess.run(
                [sys.executable, "-c", PARENT % OWNER, *command], stdout=subprocess.PIPE, check=True
            ).stdout
            process = psutil.Process(int(said))
        else:
            process = subprocess.Popen(command, env={**os.environ, OWNER: owner or ""})
        started.append(process)
        return process

    yield launch
    for process in started:
        if psutil.pid_exists(process.pid):
            process.kill()
            process.wait()


def test_only_the_server_of_a_run_that_is_gone_is_ended(start):
    orphan = start("prefect.server", orphaned=True)
    others = [
        start("prefect.server", orphaned=False, owner=own_mark()),
        start("prefect.server", orphaned=False),
        start("something else", orphaned=True),
    ]

    assert terminate_orphaned_servers() == 1
    assert psutil.wait_procs([orphan], timeout=30)[1] == []
    assert all(psutil.pid_exists(other.pid) for other in others)
    assert os.environ[OWNER] == own_mark()


def test_a_process_that_got_the_number_of_the_owner_later_is_not_the_owner(start):
    orphan = start("prefect.server", orphaned=False, owner=f"{os.getpid()}@1000000000.00")

    assert terminate_orphaned_servers() == 1
    assert psutil.wait_procs([orphan], timeout=30)[1] == []


def own_mark():
    return f"{os.getpid()}@{psutil.Process().create_time():.2f}"
