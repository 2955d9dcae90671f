"""What a killed local run leaves running: the server that Prefect had started for it.

A run that is killed cannot stop its server, which then keeps a port and 200 MB until the machine restarts.
The next run ends it.
"""

import os
from collections.abc import Iterator
from contextlib import suppress

import psutil

OWNER = "SENTIMILL_RUN_PROCESS"
"""Variable in the environment of every server: number and start time of the process it was started for."""
SAME_START_S = 2.0
"""Start times closer than this are those of one process; system calls round them."""


def terminate_orphaned_servers() -> int:
    """End the servers of runs that are gone, and mark those that this process starts; say how many."""
    found = list(_orphans())
    for server in found:
        with suppress(psutil.NoSuchProcess):
            server.terminate()
    os.environ[OWNER] = _mark(psutil.Process())
    return len(found)


def _orphans() -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # gone meanwhile, or somebody else's
            command = " ".join(process.cmdline())
            owner = process.environ().get(OWNER) if "prefect.server" in command else None
            if owner and not _lives(owner):
                yield process


def _mark(process: psutil.Process) -> str:
    """Number and start time: the system gives the number of a process that ended to another one."""
    return f"{process.pid}@{process.create_time():.2f}"


def _lives(mark: str) -> bool:
    number, _, start = mark.partition("@")
    try:
        return bool(abs(psutil.Process(int(number)).create_time() - float(start)) < SAME_START_S)
    except psutil.NoSuchProcess:
        return False
