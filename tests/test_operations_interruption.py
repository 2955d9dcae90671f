"""Runs that are interrupted, or whose server goes: what they had is there, and the same command goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parent.parent
SMALL = """--taxonomy polarity3 --plan.texts-per-label 6 --plan.topics restaurants,films --plan.rounds 1
    --generator.batch-size 4 --training.epochs 1 --verifying.folds 2""".split()

pytestmark = pytest.mark.slow


@pytest.fixture
def start(tmp_path):
    """Start the command that a user types, with a results folder and a Prefect home of its own."""
    started = []

    def launch():
        own = {"SENTIMILL_RESULTS": str(tmp_path / "results"), "PREFECT_HOME": str(tmp_path / "home")}
        command = [sys.executable, "-m", "tasks.cli", "run", *SMALL]
        log = tmp_path / f"said-{len(started)}.txt"  # no pipe: a killed run's server would hold it open
        with log.open("w") as out:
            process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **own}, stdout=out, stderr=out)
        started.append(process)
        return process, log

    yield launch
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def ended(process, log):
    """What a run said, once it has ended."""
    process.wait(400)
    return log.read_text()


def saved(tmp_path):
    return {p.name: p.stat().st_mtime_ns for p in (tmp_path / "results" / "cache").glob("sample-cell-*")}


def once_sampling(process, tmp_path):
    """Wait until a run has saved its first texts."""
    while not saved(tmp_path):
        assert process.poll() is None
        time.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_keeps_what_it_had_and_the_same_command_ends_it(start, tmp_path, how):
    process, log = start()
    once_sampling(process, tmp_path)
    process.send_signal(how)
    said = ended(process, log)
    before = saved(tmp_path)

    if how == signal.SIGINT:
        assert process.returncode == 130
        assert said.endswith("sentimill: interrupted. The same command continues where this one stopped.\n")
        assert "Traceback" not in said
    assert not (tmp_path / "results" / "runs").exists()

    again, log = start()
    assert "outcome " in ended(again, log)
    assert again.returncode == 0
    assert {name: saved(tmp_path)[name] for name in before} == before


def test_a_run_whose_server_goes_keeps_what_it_had_and_the_same_command_ends_it(start, tmp_path):
    process, log = start()
    once_sampling(process, tmp_path)
    (server,) = psutil.Process(process.pid).children(recursive=True)
    server.kill()
    ended(process, log)
    before = saved(tmp_path)

    assert before

    again, log = start()
    assert "outcome " in ended(again, log)
    assert {name: saved(tmp_path)[name] for name in before} == before
