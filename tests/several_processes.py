"""What `accelerate launch` runs in the tests: a training without chance, whose weights are written down.

accelerate launch --num_processes N tests/several_processes.py FOLDER ACCUMULATE [DIE_AFTER]
"""

import os
import sys
from pathlib import Path

import torch
from accelerate import PartialState
from safetensors.torch import save_file
from torch import nn

from tasks.pipeline.training.loop import TrainingLoop
from tasks.pipeline.training.state import FitOptions


def batches(epoch: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(100 + epoch)
    return list(torch.randn(6, 5, 4, generator=generator))


def main(folder: Path, gradient_accumulation_steps: int, die_after: int) -> None:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    calls = []

    def loss_of(module: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        if len(calls) == die_after:
            os._exit(9)
        return (module(batch).squeeze(-1) - batch.sum(1)).pow(2).mean()

    def score_of(module: nn.Module) -> float:
        # Each process has another score; the main one decides.
        rank = PartialState().process_index
        return -float((module(torch.eye(4)).squeeze(-1) - 1).pow(2).mean()) - rank

    options = FitOptions(
        epochs=3,
        early_stopping_patience=9,
        seed=5,
        precision="no",
        gradient_accumulation_steps=gradient_accumulation_steps,
        ema_decay=0.5,
        checkpoint_every_s=0,
    )
    groups = [{"params": model.parameters(), "lr": 0.05}]
    state = TrainingLoop(model, groups, batches, loss_of, score_of, options, folder, "test").run()
    rank = PartialState().process_index
    save_file(dict(model.state_dict()), str(folder / f"weights-{rank}.safetensors"))
    (folder / f"steps-{rank}").write_text(f"{state.step} {state.best:.4f} {len(calls)}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
