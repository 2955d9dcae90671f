"""Training in several processes by `accelerate launch`: the same weights as in one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tasks.pipeline.training.classifier import load_classifier
from tasks.taxonomy import load_taxonomy

ROOT = Path(__file__).parent.parent
SCRIPT = str(ROOT / "tests" / "several_processes.py")
POLARITY = load_taxonomy("polarity3")


def launch(n, *command):
    """Start n processes of a script or a module, as on n GPUs; without any they meet over gloo."""
    launcher = "-m accelerate.commands.launch --num_machines 1 --mixed_precision no".split()
    several = ["--num_processes", str(n), "--main_process_port", "0", *(["--multi_gpu"] if n > 1 else [])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *launcher, *several, *map(str, command)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
    )


def weights(folder, rank=0):
    return load_file(folder / f"weights-{rank}.safetensors")


def alike(one, other):
    return all(torch.allclose(one[name], other[name], atol=1e-5) for name in one)


@pytest.fixture(scope="module")
def in_two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    done = launch(2, SCRIPT, folder, 1)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def test_two_processes_learn_what_one_does_that_adds_two_batches_up(in_two, tmp_path):
    done = launch(1, SCRIPT, tmp_path, 2)

    assert done.returncode == 0, done.stderr[-2000:]
    assert alike(weights(in_two), weights(tmp_path))


def test_both_processes_end_with_the_same_weights_after_half_of_the_batches_each(in_two):
    assert alike(weights(in_two, 0), weights(in_two, 1))
    for rank in (0, 1):
        steps, _, n_batches = (in_two / f"steps-{rank}").read_text().split()
        assert (steps, n_batches) == ("9", "9")
    assert (in_two / "steps-0").read_text() == (in_two / "steps-1").read_text()


def test_killed_and_launched_again_they_end_with_the_weights_of_those_never_killed(in_two, tmp_path):
    assert launch(2, SCRIPT, tmp_path, 1, 5).returncode != 0
    done = launch(2, SCRIPT, tmp_path, 1)

    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "steps-0").read_text().split()[2] == "5"  # of nine, four were done
    assert alike(weights(in_two), weights(tmp_path))


def test_the_classifier_of_a_run_is_trained_by_two_processes_and_can_be_served(finished_run, tmp_path):
    out = tmp_path / "again"
    done = launch(2, "-m", "tasks.cli", "train", finished_run, out)
    assert done.returncode == 0, done.stderr[-2000:]
    _, _, settings = load_classifier(out / "model")
    again = launch(2, "-m", "tasks.cli", "train", finished_run, out)

    assert settings["labels"] == list(POLARITY.names)
    assert len(settings["thresholds"]) == 3
    assert settings["history"][-1]["score"] > 0.9
    assert again.returncode != 0
    assert f"{out} holds a finished model; expected a folder without. Give another." in again.stderr
