"""Search training settings of the classifier."""

from importlib.util import find_spec
from typing import Any

from tasks.cli.options import SearchOptions
from tasks.cli.train import read_run
from tasks.pipeline.training.classifier.search import search as search_settings


def search(options: SearchOptions) -> None:
    """Search on the rows of a run, and print the settings as options of `sentimill run`.

    Raises:
        FileNotFoundError: The run is not finished or not one.
        ValueError: optuna is not installed.
    """
    if find_spec("optuna") is None:
        raise ValueError("optuna is not installed; expected it. Run `pip install 'sentimill[search]'`.")
    config, taxonomy, rows = read_run(options.run)
    found = search_settings(rows, taxonomy, config.training, options.trials, config.seed)
    print(flags(found.options))
    print(f"validation mAP {found.score:.3f}, with the run's own options {found.before:.3f}")


def flags(options: dict[str, Any]) -> str:
    """Settings as a run's command line takes them."""
    shown = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in options.items()}
    return " ".join(f"--training.{name.replace('_', '-')} {value}" for name, value in shown.items())
