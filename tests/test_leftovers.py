"""Servers of killed runs are ended by the next run; those of living runs, and all else, are left alone."""

import os
import subprocess
import sys

import psutil
import pytest

from tasks.orchestration.orphaned_servers import OWNER, terminate_orphaned_servers

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
# Starts a process, says its number, and is gone.
PARENT = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, env={**os.environ, "%s": str(os.getpid())})
print(child.pid, flush=True)
"""


@pytest.fixture
def start(monkeypatch):
    """Start a process that looks like a server, or does not, with a parent that lives, or does not."""
    monkeypatch.delenv(OWNER, raising=False)
    started = []

    def launch(mark, orphaned, marked=True):
        command = [*SLEEPER, mark]
        if orphaned:
            said = subprocess.run(
                [sys.executable, "-c", PARENT % OWNER, *command], stdout=subprocess.PIPE, check=True
            ).stdout
            process = psutil.Process(int(said))
        else:
            process = subprocess.Popen(
                command, env={**os.environ, OWNER: str(os.getpid())} if marked else None
            )
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
        start("prefect.server", orphaned=False),
        start("prefect.server", orphaned=False, marked=False),
        start("something else", orphaned=True),
    ]

    assert terminate_orphaned_servers() >= 1
    assert psutil.wait_procs([orphan], timeout=30)[1] == []
    assert all(psutil.pid_exists(other.pid) for other in others)
    assert os.environ[OWNER] == str(os.getpid())
