"""What a killed local run leaves running: the server that Prefect had started for it.

A run that is killed cannot stop its server, which then keeps a port and 200 MB until the machine restarts.
The next run ends it.
"""

import os
from collections.abc import Iterator
from contextlib import suppress

import psutil

OWNER = "SENTIMILL_RUN_PID"
"""In the environment of every server: the process that it was started for."""


def terminate_orphaned_servers() -> int:
    """End the servers of runs that are gone, and mark those that this process starts; say how many."""
    found = list(_orphans())
    for server in found:
        with suppress(psutil.NoSuchProcess):
            server.terminate()
    os.environ[OWNER] = str(os.getpid())
    return len(found)


def _orphans() -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # gone meanwhile, or somebody else's
            command = " ".join(process.cmdline())
            owner = process.environ().get(OWNER) if "prefect.server" in command else None
            if owner and not psutil.pid_exists(int(owner)):
                yield process
