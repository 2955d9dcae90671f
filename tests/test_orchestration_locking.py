"""A lock keeps others out while its process lives, and no longer."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tasks.orchestration.locking import STOP, ProcessLocks
from tasks.storage.locks import exclusive_lock

ROOT = Path(__file__).parent.parent
HOLDER = """
import sys
from pathlib import Path
from tasks.orchestration.locking import ProcessLocks
locks = ProcessLocks(lambda: Path(sys.argv[1]))
locks.acquire_lock("cell", "other")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def locks(tmp_path):
    return ProcessLocks(lambda: tmp_path)


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of `cell`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_one_holder_at_a_time(locks):
    assert locks.acquire_lock("cell", "a")
    assert locks.acquire_lock("cell", "a")  # it has it already
    assert not locks.acquire_lock("cell", "b", acquire_timeout=0)
    assert locks.acquire_lock("other cell", "b")
    assert locks.is_locked("cell")
    assert locks.is_lock_holder("cell", "a")
    assert not locks.is_lock_holder("cell", "b")

    locks.release_lock("cell", "b")  # not its to release
    assert locks.is_locked("cell")
    locks.release_lock("cell", "a")
    assert not locks.is_locked("cell")
    assert locks.acquire_lock("cell", "b", acquire_timeout=0)


def test_what_is_made_already_is_shared_by_all_and_locks_nobody_out(tmp_path, holder):
    made = {"cell"}
    locks = ProcessLocks(lambda: tmp_path, made.__contains__)
    assert locks.acquire_lock("cell", "a", acquire_timeout=0)  # although another process holds it
    assert locks.acquire_lock("cell", "b", acquire_timeout=0)
    assert locks.is_lock_holder("cell", "a")
    locks.release_lock("cell", "a")
    assert not locks.is_lock_holder("cell", "a")
    assert locks.is_lock_holder("cell", "b")
    made.clear()
    assert not locks.acquire_lock("cell", "c", acquire_timeout=0)
    locks.release_lock("cell", "b")
    assert not locks.is_lock_holder("cell", "b")


def test_a_lock_of_another_process_is_waited_for(locks, holder):
    assert locks.is_locked("cell")
    assert not locks.wait_for_lock("cell", 0)
    holder.stdin.close()

    assert locks.wait_for_lock("cell")
    assert locks.acquire_lock("cell", "a", acquire_timeout=0)


def test_the_lock_of_a_killed_process_is_free(locks, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()

    assert locks.acquire_lock("cell", "a")


def test_an_interrupted_run_waits_for_nobody(locks, holder):
    threading.Timer(0.2, STOP.set).start()
    try:
        with pytest.raises(InterruptedError, match=r"^waiting for cell was interrupted\.$"):
            locks.acquire_lock("cell", "a")
    finally:
        STOP.clear()


def test_locks_leave_no_files(locks, tmp_path):
    locks.acquire_lock("cell", "a")
    locks.release_lock("cell", "a")
    with exclusive_lock(tmp_path, "champion"):
        assert len(list(tmp_path.iterdir())) == 1

    assert list(tmp_path.iterdir()) == []


def test_a_thread_waits_until_the_one_inside_has_left(tmp_path):
    entered = threading.Event()

    def enter():
        with exclusive_lock(tmp_path, "champion"):
            entered.set()

    second = threading.Thread(target=enter)
    with exclusive_lock(tmp_path, "champion"):
        second.start()
        assert not entered.wait(0.5)
    second.join()

    assert entered.is_set()
