"""Checkpoints that a training resumes from."""

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

from accelerate import Accelerator

from tasks.pipeline.training.state import FitState


def _checkpoint(accelerator: Accelerator, folder: Path, state: FitState) -> None:
    """Save weights, optimizer and random states under a new name, then make it the current one."""
    new = folder / f"state-{state.step}"
    accelerator.save_state(str(new))
    accelerator.wait_for_everyone()  # each process saves its own random state
    if not accelerator.is_main_process:
        return
    (new / "fit.json").write_text(json.dumps(asdict(state)))
    current = folder / "current"
    (folder / "current.tmp").write_text(new.name)
    os.replace(folder / "current.tmp", current)
    for old in folder.glob("state-*"):
        if old != new:
            shutil.rmtree(old)


def _resume(accelerator: Accelerator, folder: Path) -> FitState:
    """Take up the checkpoint of the folder, if there is one.

    Raises:
        ValueError: It is another model's, such as one with other labels.
    """
    current = folder / "current"
    if not current.is_file():
        return FitState()
    saved = folder / current.read_text()
    try:
        accelerator.load_state(str(saved))
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"checkpoint {saved} does not fit this model ({_first_line(error)}); expected one of the same "
            "taxonomy, encoder and options. Give a folder of its own to every training, or remove this one."
        ) from error
    return FitState(**json.loads((saved / "fit.json").read_text()))


def _first_line(error: Exception) -> str:
    """The first fault that a library lists, without its heading."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[min(1, len(lines) - 1)].rstrip(".") if lines else type(error).__name__
