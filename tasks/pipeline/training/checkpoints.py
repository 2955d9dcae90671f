"""Checkpoints that a training resumes from.

Accelerate's own rotation (`total_limit`) removes the old checkpoint before the new one is complete. Here a
file names the last complete one, so that a training can be killed at any moment.
"""

import os
import shutil
from pathlib import Path

from accelerate import Accelerator
from safetensors.torch import save_model
from torch import nn

from tasks.pipeline.training.state import FitState

BEST = "best.safetensors"
CURRENT = "current"


def save_checkpoint(accelerator: Accelerator, folder: Path, state: FitState) -> None:
    """Save all that Accelerate knows of under a new name, then make it the current checkpoint."""
    new = folder / f"state-{state.step}"
    accelerator.save_state(str(new))
    accelerator.wait_for_everyone()  # each process saves its own random state
    if not accelerator.is_main_process:
        return
    temporary = folder / f"{CURRENT}.tmp"
    temporary.write_text(new.name)
    os.replace(temporary, folder / CURRENT)
    for old in folder.glob("state-*"):
        if old != new:
            shutil.rmtree(old)


def save_best(model: nn.Module, folder: Path) -> None:
    """Save weights as the best so far."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / "best.tmp"
    save_model(model, str(temporary))
    os.replace(temporary, folder / BEST)


def resume(accelerator: Accelerator, folder: Path) -> None:
    """Load the checkpoint of the folder into all that Accelerate knows of, if there is one.

    Raises:
        ValueError: It is another model's, such as one with other labels.
    """
    current = folder / CURRENT
    if not current.is_file():
        return
    saved = folder / current.read_text()
    try:
        accelerator.load_state(str(saved))
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"checkpoint {saved} does not fit this model ({_first_line(error)}); expected one of the same "
            "taxonomy, encoder and options. Give a folder of its own to every training, or remove this one."
        ) from error


def _first_line(error: Exception) -> str:
    """The first fault that a library lists, without its heading."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[min(1, len(lines) - 1)].rstrip(".") if lines else type(error).__name__
