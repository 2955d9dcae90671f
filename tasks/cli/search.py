"""Search hyperparameters of the classifier."""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tasks.cli.train import read_run
from tasks.pipeline.training.classifier.search import search


def flags(options: dict[str, Any]) -> str:
    """Options as a run's command line takes them."""
    shown = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in options.items()}
    return " ".join(f"--training.{name.replace('_', '-')} {value}" for name, value in shown.items())


def main() -> int:
    """Search on the named run; return 0, or 2 after a message where the input is bad."""
    parser = argparse.ArgumentParser(prog="python -m tasks.cli.search", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--trials", type=int, default=20, help="trainings (20)")
    chosen = parser.parse_args()
    try:
        if find_spec("optuna") is None:
            raise ValueError("optuna is not installed; expected it. Run `pip install 'sentimill[search]'`.")
        config, taxonomy, rows = read_run(chosen.run)
        found = search(rows, taxonomy, config.training, chosen.trials, config.seed)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    print(flags(found.options))  # noqa: T201
    print(f"validation mAP {found.score:.3f}, with the run's own options {found.before:.3f}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
