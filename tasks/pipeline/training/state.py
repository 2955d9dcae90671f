"""Options and state of a training."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class FitOptions:
    """How to train; see `tasks.config.modelling.TrainingConfig` for units and ranges."""

    epochs: int
    early_stopping_patience: int
    seed: int
    precision: str = "auto"
    warmup_ratio: float = 0.1
    max_grad_norm: float = 1.0
    min_gain: float = 0.0
    """An epoch that betters the best score by no more than this counts as one without gain."""
    ema_decay: float = 0.0
    """Decay of the moving average of the weights; 0 takes the weights as they are."""
    gradient_accumulation_steps: int = 1
    """Batches per optimizer step."""
    checkpoint_every_s: float = 120.0
    trackers: tuple[str, ...] = ()
    """Who is told of losses and scores, by Accelerate's names: `tensorboard`, `mlflow` ..."""
    tracking_dir: str | None = None
    """Where trackers that write files put them."""


@dataclass
class FitState:
    """How far a training is; part of every checkpoint."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    best: float = -math.inf
    best_epoch: int = -1
    gain_epoch: int = -1
    loss_sum: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)

    def state_dict(self) -> dict[str, Any]:
        """All fields, as Accelerate saves them."""
        return asdict(self)

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Take over the fields of a checkpoint."""
        for name, value in saved.items():
            setattr(self, name, value)
