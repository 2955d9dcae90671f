"""A small search for better training options, on the rows of a finished run (Optuna, extra `search`).

    sentimill search results/runs/RUN --trials 20

Every trial trains on the run's training rows and is judged by macro average precision on its validation rows;
the test rows are never read. The best options are printed as the flags that give them to a run.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.config import Loss, TrainingConfig
from tasks.data.columns import parts_of
from tasks.data.records import Row
from tasks.pipeline.training.classifier import train_classifier
from tasks.pipeline.training.classifier.initial_weights import head_meanings
from tasks.taxonomy import Taxonomy

if TYPE_CHECKING:
    from optuna import Trial


class SearchResult(NamedTuple):
    """What a search found."""

    options: dict[str, Any]
    """Fields of `TrainingConfig`."""
    score: float
    """Macro average precision on validation of the best trial."""
    before: float
    """That of the run's own options, which are the first trial."""


def search(
    rows: Sequence[Row], taxonomy: Taxonomy, config: TrainingConfig, n_trials: int, seed: int
) -> SearchResult:
    """Try options of training, the given ones first.

    Args:
        rows: Training and validation rows.
        taxonomy: Its labels.
        config: What is not searched stays as it is here.
        n_trials: Trainings.
        seed: Decides the trials, and every training.
    """
    import optuna

    parts = parts_of(rows)

    def score_of(trial: "Trial") -> float:
        tried = config.model_copy(update=_draw(trial))
        with TemporaryDirectory() as folder:
            _, _, state = train_classifier(
                parts["train"],
                parts["validation"],
                taxonomy.names,
                tried,
                seed,
                Path(folder),
                meanings=head_meanings(taxonomy),
            )
        return state.best

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial({name: getattr(config, name) for name in SEARCHED_OPTIONS})
    study.optimize(score_of, n_trials=n_trials)
    return SearchResult(study.best_params, float(study.best_value), float(study.trials[0].value or 0.0))


SEARCHED_OPTIONS = (
    "learning_rate",
    "head_learning_rate",
    "batch_size",
    "loss",
    "layerwise_lr_decay",
    "ema_decay",
)


def _draw(trial: "Trial") -> dict[str, Any]:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-2, log=True),
        "head_learning_rate": trial.suggest_float("head_learning_rate", 1e-4, 3e-2, log=True),
        "batch_size": trial.suggest_int("batch_size", 8, 128, log=True),
        "loss": Loss(trial.suggest_categorical("loss", [loss.value for loss in Loss])),
        "layerwise_lr_decay": trial.suggest_float("layerwise_lr_decay", 0.6, 1.0),
        "ema_decay": trial.suggest_float("ema_decay", 0.0, 0.999),
    }
