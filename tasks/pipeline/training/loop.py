"""One Accelerate loop for both models that Sentimill trains: resumable, clipped, warmed up, early stopped.

The loop knows nothing of text. It is handed batches (any value), a function that turns one into a loss,
and a function that scores the model; it hands back the weights that scored best.
"""

import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import cycle, islice
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast_object_list, set_seed
from safetensors.torch import load_model, save_model
from torch import nn
from torch.optim.swa_utils import AveragedModel

from tasks.models.precision import bf16_pays
from tasks.pipeline.training.checkpoints import _checkpoint, _resume
from tasks.pipeline.training.progress import _plain, _Progress
from tasks.pipeline.training.state import FitOptions, FitState

T = TypeVar("T")
Tensors = tuple[torch.Tensor, ...] | list[torch.Tensor]


def precision_for(wish: str) -> str:
    """Arithmetic that Accelerate should use: `auto` means bf16 where it pays, else fp16 on a GPU."""
    if wish != "auto":
        return wish
    on_gpu = torch.cuda.is_available()
    return "bf16" if bf16_pays(on_gpu) else "fp16" if on_gpu else "no"


class NotFiniteError(ArithmeticError):
    """The loss is NaN or infinite; the last good checkpoint is kept."""


def fit(
    model: nn.Module,
    groups: list[dict[str, Any]],
    batches: Callable[[int], list[Any]],
    loss_of: Callable[[nn.Module, Any], torch.Tensor],
    score_of: Callable[[nn.Module], float],
    options: FitOptions,
    folder: Path,
    title: str,
    on_progress: Callable[[float], None] | None = None,
) -> FitState:
    """Train in place and leave the best weights in the model.

    Args:
        model: The module; moved to the accelerator's device.
        groups: AdamW parameter groups, each with its own peak `lr`.
        batches: Batches of an epoch; must give the same list for the same epoch (exact resume needs it).
        loss_of: Mean loss of one batch, a scalar tensor on the model's device.
        score_of: Score on held-out rows after each epoch, higher is better.
        options: See `FitOptions`.
        folder: Where checkpoints go; an interrupted call with the same folder goes on from the last one.
        title: Name on the progress bar.
        on_progress: Called with the share done, 0..1, at most every two seconds.

    Raises:
        NotFiniteError: if the loss is NaN or infinite, naming epoch and batch.
        ValueError: if the folder holds the checkpoint of another model.
    """
    # Accelerate keeps the first precision of a process for ever; a long-lived worker trains more than once.
    AcceleratorState._reset_state(reset_partial_state=True)
    accelerator = Accelerator(
        mixed_precision=precision_for(options.precision),
        cpu=not torch.cuda.is_available(),
        log_with=list(options.trackers) or None,
        project_dir=options.tracking_dir,
    )
    # By process, for processes that drop the same units out would learn from them alike.
    set_seed(options.seed, device_specific=True)
    optimizer = torch.optim.AdamW(groups, fused=True)
    model, optimizer = accelerator.prepare(model, optimizer)
    averaged = _averaged(accelerator, model, options.ema_decay)
    state = _resume(accelerator, folder)
    per_epoch = len(_share(accelerator, batches(0)))
    total = per_epoch * options.epochs
    peaks = [group["lr"] for group in groups]
    accelerator.init_trackers(title.replace(" ", "-"), config=_plain(options))
    progress = _Progress(accelerator, total, min(state.step, total), title, on_progress)
    saved = time.monotonic()
    while (
        state.epoch < options.epochs and state.epoch - 1 - state.gain_epoch < options.early_stopping_patience
    ):
        model.train()
        epoch_batches = _share(accelerator, batches(state.epoch))
        for batch in epoch_batches[state.batch :]:
            _set_rates(optimizer.param_groups, peaks, state, total, options)
            state.batch += 1
            state.step += 1
            # By place, not by count, so that a resumed run adds up the same batches.
            steps_now = state.batch % options.gradient_accumulation_steps == 0 or state.batch == len(
                epoch_batches
            )
            with nullcontext() if steps_now else accelerator.no_sync(model):
                with accelerator.autocast():
                    loss = loss_of(model, batch)
                _require_finite(loss, title, state, folder)
                accelerator.backward(loss / options.gradient_accumulation_steps)
            state.loss_sum += loss.item()
            if steps_now:
                accelerator.clip_grad_norm_(model.parameters(), options.max_grad_norm)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                if averaged:
                    averaged.update_parameters(accelerator.unwrap_model(model))
            progress.tick(state)
            # Half-added gradients are not part of a checkpoint.
            if steps_now and _agreed(accelerator, time.monotonic() - saved > options.checkpoint_every_s):
                saved = time.monotonic()
                _checkpoint(accelerator, folder, state)
        scored = averaged.module if averaged else accelerator.unwrap_model(model)
        _close_epoch(accelerator, scored, score_of, state, folder, len(epoch_batches), options.min_gain)
        accelerator.log(state.history[-1], step=state.step)
        _checkpoint(accelerator, folder, state)
    progress.close()
    accelerator.wait_for_everyone()
    # Without its mixed-precision wrapper the model computes what it will compute once it is loaded again.
    trained = accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    load_model(trained, folder / "best.safetensors")
    return state


def _require_finite(loss: torch.Tensor, title: str, state: FitState, folder: Path) -> None:
    if not torch.isfinite(loss):
        raise NotFiniteError(
            f"{title}: loss is {loss.item()} in epoch {state.epoch + 1}, batch {state.batch}; expected a "
            f"finite number. Lower the learning rate; the last good state is in {folder}."
        )


def _share(accelerator: Accelerator, batches: list[Any]) -> list[Any]:
    """This process's part of the batches, as many as every other's, for processes wait for one another.

    So n processes take n batches per step, as one process does that adds up the gradients of n. Where the
    last step lacks some, the first batches come again.
    """
    n = accelerator.num_processes
    whole = islice(cycle(batches), -(-len(batches) // n) * n)
    return list(whole)[accelerator.process_index :: n] if n > 1 else batches


def _agreed(accelerator: Accelerator, value: T) -> T:
    """What the main process says: clocks differ, and the last bit of a score may."""
    if accelerator.num_processes == 1:
        return value
    said = [value]
    broadcast_object_list(said)
    return said[0]


def _averaged(accelerator: Accelerator, model: nn.Module, decay: float) -> AveragedModel | None:
    """Moving average of the weights, saved with every checkpoint.

    Its decay rises from 0.1 as steps add up, so that a short training does not keep its first weights
    (the warm-up of `tf.train.ExponentialMovingAverage`).
    """
    if not decay:
        return None

    @torch.no_grad()
    def towards(averages: Tensors, now: Tensors, n: torch.Tensor | int) -> None:
        torch._foreach_lerp_(averages, now, 1 - min(decay, (1 + int(n)) / (10 + int(n))))

    averaged = AveragedModel(accelerator.unwrap_model(model), multi_avg_fn=towards)
    accelerator.register_for_checkpointing(averaged)
    return averaged


def _set_rates(
    groups: list[dict[str, Any]], peaks: Sequence[float], state: FitState, total: int, options: FitOptions
) -> None:
    """Set the rates of a step at its first batch, so that n batches in turn or side by side learn alike."""
    if state.batch % options.gradient_accumulation_steps == 0:
        scale = _schedule(state.step / max(1, total), options.warmup_ratio)
        for group, peak in zip(groups, peaks, strict=True):
            group["lr"] = peak * scale


def _schedule(done: float, warmup: float) -> float:
    """Linear warm-up, then half a cosine down to a tenth."""
    if done < warmup:
        return max(done / warmup, 1e-2)
    return 0.1 + 0.45 * (1 + math.cos(math.pi * min(1.0, (done - warmup) / max(1e-9, 1 - warmup))))


def _close_epoch(
    accelerator: Accelerator,
    model: nn.Module,
    score_of: Callable[[nn.Module], float],
    state: FitState,
    folder: Path,
    n_batches: int,
    min_gain: float,
) -> None:
    model.eval()
    with torch.inference_mode(), accelerator.autocast():
        score = _agreed(accelerator, score_of(model))
    state.history.append(
        {"epoch": state.epoch + 1, "loss": state.loss_sum / max(1, n_batches), "score": score}
    )
    if score > state.best + min_gain:
        state.gain_epoch = state.epoch
    if score > state.best:
        state.best, state.best_epoch = score, state.epoch
        if accelerator.is_main_process:
            folder.mkdir(parents=True, exist_ok=True)
            save_model(model, str(folder / "best.tmp"))
            os.replace(folder / "best.tmp", folder / "best.safetensors")
    state.epoch, state.batch, state.loss_sum = state.epoch + 1, 0, 0.0
