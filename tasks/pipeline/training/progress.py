"""Progress of a training."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from accelerate import Accelerator
from tqdm import tqdm

from tasks.pipeline.training.state import FitOptions, FitState


class Progress:
    """A bar in the terminal; trackers and `on_progress` are told every two seconds."""

    def __init__(
        self,
        accelerator: Accelerator,
        total: int,
        done: int,
        title: str,
        on_progress: Callable[[float], None] | None,
    ) -> None:
        quiet = not accelerator.is_main_process
        self.bar = tqdm(total=total, initial=done, desc=title, unit="batch", leave=False, disable=quiet)
        self.accelerator = accelerator
        self.total = total
        self.on_progress = on_progress
        self.reported = time.monotonic()

    def tick(self, state: FitState) -> None:
        """Count one batch."""
        self.bar.update()
        if time.monotonic() - self.reported < 2:
            return
        self.reported = time.monotonic()
        loss = state.loss_sum / state.batch
        self.bar.set_postfix(loss=f"{loss:.3f}")
        self.accelerator.log({"loss so far": loss}, step=state.step)
        if self.on_progress:
            self.on_progress(min(1.0, state.step / self.total))

    def close(self) -> None:
        """Remove the bar and let trackers write what they hold."""
        self.bar.close()
        # Not `end_training`, which takes the group of processes down: there may be another training.
        for tracker in self.accelerator.trackers:
            tracker.finish()


def plain_options(options: FitOptions) -> dict[str, Any]:
    """Options as trackers take them."""
    return {name: value for name, value in asdict(options).items() if isinstance(value, int | float | str)}
