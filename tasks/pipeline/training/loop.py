"""One Accelerate loop for both models that Sentimill trains: resumable, clipped, warmed up, early stopped.

The loop knows nothing of text. It is given batches (any value), a function that turns a batch into a loss,
and a function that scores the model; it leaves the weights that scored best in the model.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, set_seed
from safetensors.torch import load_model
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Dataset
from transformers import get_cosine_with_min_lr_schedule_with_warmup_lr_rate

from tasks.models.precision import bf16_pays
from tasks.pipeline.training.checkpoints import BEST, resume, save_best, save_checkpoint
from tasks.pipeline.training.progress import Progress, plain_options
from tasks.pipeline.training.state import FitOptions, FitState

T = TypeVar("T")
Tensors = tuple[torch.Tensor, ...] | list[torch.Tensor]
LOWEST_RATE = 0.1
"""Learning rate of the last step, as a fraction of the highest one."""
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def precision_for(requested: str) -> str:
    """Arithmetic of the forward pass: `auto` means bf16 where it pays, else fp16 on a GPU."""
    if requested != "auto":
        return requested
    on_gpu = torch.cuda.is_available()
    return "bf16" if bf16_pays(on_gpu) else "fp16" if on_gpu else "no"


class NotFiniteError(ArithmeticError):
    """The loss is NaN or infinite; the last good checkpoint is kept."""


class EpochBatches(Dataset[Any]):
    """Batches of the current epoch, one item each, so that the data loader leaves them as they are."""

    def __init__(self, batches: Callable[[int], list[Any]]) -> None:
        self._batches = batches
        self._epoch, self._current = 0, batches(0)

    def set_epoch(self, epoch: int) -> None:
        """Change to the batches of another epoch; Accelerate calls this, too."""
        if epoch != self._epoch:
            self._epoch, self._current = epoch, self._batches(epoch)

    def __len__(self) -> int:
        """Batches of the current epoch."""
        return len(self._current)

    def __getitem__(self, index: int) -> Any:
        """One batch."""
        return self._current[index]


@dataclass
class TrainingLoop:
    """A training that leaves the best weights in the model.

    Attributes:
        model: The module; moved to the accelerator's device.
        groups: AdamW parameter groups, each with its own peak `lr`.
        batches: Batches of an epoch; must give the same list for the same epoch (exact resume needs it).
        loss_of: Mean loss of one batch, a scalar tensor on the model's device.
        score_of: Score on held-out rows after each epoch, higher is better.
        options: See `FitOptions`.
        folder: Where checkpoints go; an interrupted training with the same folder continues from the last.
        title: Name on the progress bar.
        on_progress: Called with the fraction done, 0..1, at most every two seconds.
    """

    model: nn.Module
    groups: list[dict[str, Any]]
    batches: Callable[[int], list[Any]]
    loss_of: Callable[[nn.Module, Any], torch.Tensor]
    score_of: Callable[[nn.Module], float]
    options: FitOptions
    folder: Path
    title: str
    on_progress: Callable[[float], None] | None = None

    def __post_init__(self) -> None:
        """Prepare model, optimizer and batches for this machine."""
        options = self.options
        # Accelerate has one precision per process, and a worker trains more than one model: autocast and
        # the scaler of fp16 are PyTorch's own.
        self.accelerator = Accelerator(
            mixed_precision="no",
            cpu=not torch.cuda.is_available(),
            gradient_accumulation_steps=options.gradient_accumulation_steps,
            log_with=list(options.trackers) or None,
            project_dir=options.tracking_dir,
        )
        # Each process draws its own dropout mask.
        set_seed(options.seed, device_specific=True)
        device, precision = self.accelerator.device.type, precision_for(options.precision)
        dtype = DTYPES.get(precision)
        self.autocast = torch.autocast(device, dtype=dtype, enabled=dtype is not None)
        self.scaler = torch.amp.GradScaler(device, enabled=precision == "fp16")
        # Its own generator: a loader draws a number at the start, which would change the dropout after it.
        items = EpochBatches(self.batches)
        loader = DataLoader(items, batch_size=1, collate_fn=itemgetter(0), generator=torch.Generator())
        optimizer = torch.optim.AdamW(self.groups, fused=True)
        self.wrapped, self.optimizer, self.loader = self.accelerator.prepare(self.model, optimizer, loader)
        n_steps = math.ceil(len(self.loader) / options.gradient_accumulation_steps) * options.epochs
        # Not prepared: with n processes Accelerate would advance it n times per step.
        self.schedule = get_cosine_with_min_lr_schedule_with_warmup_lr_rate(
            optimizer,
            num_warmup_steps=math.ceil(options.warmup_ratio * n_steps),
            num_training_steps=n_steps,
            min_lr_rate=LOWEST_RATE,
        )
        self.averaged = average_of(self.accelerator.unwrap_model(self.wrapped), options.ema_decay)
        self.state = FitState()
        saved = (self.state, self.schedule, self.scaler, self.averaged)
        self.accelerator.register_for_checkpointing(*(part for part in saved if part is not None))

    def run(self) -> FitState:
        """Train until the last epoch, or until the score stops rising (`options.early_stopping_patience`).

        Raises:
            NotFiniteError: if the loss is NaN or infinite, naming epoch and batch.
            ValueError: if the folder holds the checkpoint of another model.
        """
        options, state = self.options, self.state
        resume(self.accelerator, self.folder)
        self.accelerator.init_trackers(self.title.replace(" ", "-"), config=plain_options(options))
        total = len(self.loader) * options.epochs
        self.progress = Progress(
            self.accelerator, total, min(state.step, total), self.title, self.on_progress
        )
        self.saved_at = time.monotonic()
        patience = options.early_stopping_patience
        while state.epoch < options.epochs and state.epoch - 1 - state.gain_epoch < patience:
            self._train_epoch()
            self._validate()
            self.accelerator.log(state.history[-1], step=state.step)
            save_checkpoint(self.accelerator, self.folder, state)
        self.progress.close()
        self.accelerator.wait_for_everyone()
        load_model(self.model, self.folder / BEST)
        return state

    def _train_epoch(self) -> None:
        """Train on what is left of the epoch."""
        self.wrapped.train()
        self.loader.set_epoch(self.state.epoch)
        # A prepared loader gives every process its part; the first batches come again where the last lack.
        loader = self.loader
        if self.state.batch:
            loader = self.accelerator.skip_first_batches(loader, self.state.batch)
        for batch in loader:
            self.state.batch += 1
            self.state.step += 1
            self._train_batch(batch)
            self.progress.tick(self.state)
            # Half-added gradients are not part of a checkpoint.
            if self.accelerator.sync_gradients and self._checkpoint_is_due():
                self.saved_at = time.monotonic()
                save_checkpoint(self.accelerator, self.folder, self.state)

    def _train_batch(self, batch: Any) -> None:
        """Add up the gradients of a batch, and step at the last one of each group."""
        with self.accelerator.accumulate(self.wrapped):
            with self.autocast:
                loss = self.loss_of(self.wrapped, batch)
            self._require_finite(loss)
            self.accelerator.backward(self.scaler.scale(loss))
            self.state.loss_sum += loss.item()
            if not self.accelerator.sync_gradients:
                return
            self.scaler.unscale_(self.optimizer)
            self.accelerator.clip_grad_norm_(self.wrapped.parameters(), self.options.max_grad_norm)
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.schedule.step()
            self.optimizer.zero_grad()
            if self.averaged:
                self.averaged.update_parameters(self.accelerator.unwrap_model(self.wrapped))

    def _validate(self) -> None:
        """Score the model, keep it if it is the best so far, and close the epoch."""
        state = self.state
        model = self.averaged.module if self.averaged else self.accelerator.unwrap_model(self.wrapped)
        model.eval()
        with torch.inference_mode(), self.autocast:
            score = self._agreed(self.score_of(model))
        loss = state.loss_sum / max(1, state.batch)
        state.history.append({"epoch": state.epoch + 1, "loss": loss, "score": score})
        if score > state.best + self.options.min_gain:
            state.gain_epoch = state.epoch
        if score >= state.best:  # of equals the later: what the score does not see has learnt on
            state.best, state.best_epoch = score, state.epoch
            if self.accelerator.is_main_process:
                save_best(model, self.folder)
        state.epoch, state.batch, state.loss_sum = state.epoch + 1, 0, 0.0

    def _require_finite(self, loss: torch.Tensor) -> None:
        if not torch.isfinite(loss):
            raise NotFiniteError(
                f"{self.title}: loss is {loss.item()} in epoch {self.state.epoch + 1}, batch "
                f"{self.state.batch}; expected a finite number. Lower the learning rate; the last good state "
                f"is in {self.folder}."
            )

    def _checkpoint_is_due(self) -> bool:
        return self._agreed(time.monotonic() - self.saved_at > self.options.checkpoint_every_s)

    def _agreed(self, value: T) -> T:
        """The value of the main process: clocks differ, and the last bit of a score may."""
        values = [value]
        broadcast_object_list(values)
        return values[0]


def average_of(model: nn.Module, decay: float) -> AveragedModel | None:
    """Moving average of the weights; None where the decay is 0.

    Its decay rises from 0.1 as steps add up, so that a short training does not keep its first weights
    (the warm-up of `tf.train.ExponentialMovingAverage`).
    """
    if not decay:
        return None

    @torch.no_grad()
    def update(averages: Tensors, weights: Tensors, n: torch.Tensor | int) -> None:
        now = 1 - min(decay, (1 + int(n)) / (10 + int(n)))
        for average, weight in zip(averages, weights, strict=True):
            average.lerp_(weight, now)

    return AveragedModel(model, multi_avg_fn=update)
