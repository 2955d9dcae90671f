"""Train the classifier of a finished run again, in several processes."""

import argparse
import json
import sys
from pathlib import Path

from tasks.config import RunConfig, TrainingConfig
from tasks.data.records import Row
from tasks.pipeline.scrubbing import SCRUBBER_VERSION
from tasks.pipeline.training.classifier.fit import fit_classifier
from tasks.storage.parquet import rows_of_parquet
from tasks.taxonomy import Taxonomy


def read_run(folder: Path) -> tuple[RunConfig, Taxonomy, list[Row]]:
    """Configuration, taxonomy, training and validation rows of a finished run.

    Raises:
        FileNotFoundError: if the folder is not one.
    """
    parts = [folder / "dataset" / f"{part}.parquet" for part in ("train", "validation")]
    for file in (folder / "config.json", folder / "scores.json", *parts):
        if not file.is_file():
            raise FileNotFoundError(
                f"{folder} has no {file.relative_to(folder)}; expected the folder of a finished run. "
                "Give results/runs/<run>."
            )
    config = RunConfig.model_validate(json.loads((folder / "config.json").read_text()))
    taxonomy = Taxonomy.model_validate(json.loads((folder / "scores.json").read_text())["taxonomy"])
    return config, taxonomy, [row for file in parts for row in rows_of_parquet(file.read_bytes())]


def main() -> int:
    """Train the named run's classifier again; return 0, or 2 after a message where the input is bad."""
    parser = argparse.ArgumentParser(prog="python -m tasks.cli.train", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("folder", type=Path, help="where checkpoints and model go; goes on where it stopped")
    parser.add_argument("--training", type=json.loads, default={}, help='options to change: {"epochs": 3}')
    chosen = parser.parse_args()
    try:
        config, taxonomy, rows = read_run(chosen.run)
        if (chosen.folder / "model").exists():
            raise ValueError(
                f"{chosen.folder} holds a finished model; expected a folder without. Give another."
            )
        training = TrainingConfig.model_validate(config.training.model_dump() | chosen.training)
        sections = training, config.evaluation, config.scrubbing
        fit_classifier(rows, taxonomy, *sections, config.seed, chosen.folder, scrubber=SCRUBBER_VERSION)
    except (ValueError, OSError, ArithmeticError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
