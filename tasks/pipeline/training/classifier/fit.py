"""From divided rows to a trained classifier, before calibration.

Plain code, which `accelerate launch` runs in as many processes as there are GPUs, on as many machines:

    accelerate launch --num_processes 4 -m tasks.cli train results/runs/RUN build/again

trains the classifier of a finished run again, on the rows and with the options of the run, and leaves it in
`build/again/model`. All machines must reach both folders. n processes take n batches per step.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from accelerate import PartialState

from tasks.config import TrainingConfig
from tasks.data.columns import parts_of, targets_of, texts_of
from tasks.data.records import Row
from tasks.pipeline.training.classifier.fine_tuning import of_one_class, train_classifier
from tasks.pipeline.training.classifier.model import count_cut, room_of, save_classifier


def fit_classifier(
    rows: Sequence[Row],
    *,
    labels: Sequence[str],
    meanings: Sequence[str],
    training: TrainingConfig,
    seed: int,
    scratch: Path,
    on_progress: Callable[[float], None] | None = None,
    pairing: float = 0.0,
) -> Path:
    """Folder of a classifier as training leaves it: `calibrate_classifier` gives it its thresholds.

    Args:
        rows: Rows of all parts; training and validation rows are used, no test row is looked at.
        labels: Names in the order of the targets.
        meanings: A sentence for each label, see `train_classifier`.
        training: How to train.
        seed: See `train_classifier`.
        scratch: Checkpoints go here, the classifier into `trained` in it.
        on_progress: Called with the share done, 0..1.
        pairing: Weight of the pairing loss of counterfactual pairs among the rows.
    """
    parts = parts_of(rows)
    model, tokenizer, state = train_classifier(
        parts["train"], parts["validation"], labels, training, seed, scratch, on_progress, pairing, meanings
    )
    max_length = min(training.max_length, room_of(model, tokenizer))
    training_texts = texts_of([*parts["train"], *parts["validation"]])
    settings = {
        "labels": list(labels),
        "max_length": max_length,
        "one_class": of_one_class(targets_of(parts["validation"])),
        "unlabelled_share": float((targets_of(parts["train"]) == 0).all(axis=1).mean()),
        "n_cut": count_cut(tokenizer, training_texts, max_length),
        "base": training.base,
        "ordinal": training.ordinal,
        "history": state.history,
    }
    if PartialState().is_main_process:
        save_classifier(model, tokenizer, settings, scratch / "trained")
    return scratch / "trained"
