"""Every process takes a GPU of its own; what is visible is read as CUDA reads it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.orchestration import gpu_claims
from tasks.orchestration.gpu_claims import claim_gpu, visible_gpus

ROOT = Path(__file__).parent.parent
# Claims a GPU, says which one, and holds it until its standard input ends.
WORKER = """
import sys
from pathlib import Path
from tasks.orchestration.gpu_claims import claim_gpu
print(claim_gpu(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def worker(tmp_path):
    """Start another process that claims a GPU of those visible."""
    started = []

    def start(visible):
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path)],
            cwd=ROOT,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": visible},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@pytest.fixture(autouse=True)
def _released(monkeypatch):
    monkeypatch.setattr(gpu_claims, "POLL_S", 0.05)
    monkeypatch.setattr(gpu_claims, "_CLAIMED", [])


@pytest.mark.parametrize(
    ("named", "gpus"),
    [
        ("0,1", ["0", "1"]),
        (" 3 , 1", ["3", "1"]),
        ("GPU-8932f937,GPU-12345678", ["GPU-8932f937", "GPU-12345678"]),
        ("", []),
        ("-1", []),
        ("0,-1,1", ["0"]),
    ],
)
def test_what_is_visible_is_read_as_cuda_reads_it(monkeypatch, named, gpus):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)

    assert visible_gpus() == gpus


def test_a_machine_without_gpus_has_nothing_to_claim(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    assert claim_gpu(tmp_path) is None
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    assert list(tmp_path.iterdir()) == []


def test_two_workers_of_one_machine_take_two_gpus_and_a_third_waits_for_the_first_to_die(worker):
    first, second = worker("5,7"), worker("5,7")
    claimed = {first.stdout.readline(), second.stdout.readline()}
    third = worker("5,7")
    first.kill()

    assert claimed == {"5\n", "7\n"}
    assert third.stdout.readline() in claimed  # only once a holder was killed


def test_a_process_keeps_its_gpu_and_hides_the_others(monkeypatch, tmp_path, worker):
    other = worker("0,1")
    taken = other.stdout.readline().strip()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    own = claim_gpu(tmp_path)

    assert {own, taken} == {"0", "1"}
    assert os.environ["CUDA_VISIBLE_DEVICES"] == own
    assert claim_gpu(tmp_path) == own
